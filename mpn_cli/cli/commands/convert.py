"""``mpn convert``: results in the formats of other tools."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from mpn_cli.base.choices import ResultsFormat
from mpn_cli.base.errors import ExitCode
from mpn_cli.cli import console
from mpn_cli.options.exporting import ConvertOptions
from mpn_cli.options.layers import resolve
from mpn_cli.results.converting.reading import read_labels
from mpn_cli.results.converting.writers import check_place
from mpn_cli.results.converting.writers import convert as write


def convert(
    results: Path,
    to: ResultsFormat,
    out: Path,
    options: Mapping[str, Any],
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run the command. Raises InputError; exits with 3 where the format can't hold everything."""
    settings = resolve(ConvertOptions, options).settings
    check_place(to, out)
    labels = read_labels(results, settings.images, settings.category, settings.pose_thr)
    with console.progress("convert", labels.count, quiet=quiet) as advance:
        converted = write(
            labels,
            to,
            out,
            settings.rows,
            settings.pictures,
            lambda done: advance(done, "pictures"),
        )
    if as_json:
        console.print_json(
            {
                "out": str(out),
                "format": to,
                "pictures": converted.pictures,
                "people": converted.people,
                "left_out": dict(converted.left_out),
                "not_people": dict(labels.not_people),
            }
        )
    elif not quiet:
        console.print_note(f"{out}: {converted.pictures} pictures, {converted.people} people")
        for reason, count in (labels.not_people + converted.left_out).items():
            console.print_note(f"left out: {count} {reason}")
    if converted.left_out:
        raise typer.Exit(ExitCode.SKIPPED)
