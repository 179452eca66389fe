"""``mpn label``: found joints as labels."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from mpn_cli.cli import console
from mpn_cli.training.labelling import label as add_labels


def label(
    data: Path, predictions: Path, out: Path, least: float, *, as_json: bool, quiet: bool
) -> None:
    """Run the command. Raises InputError for files that can't be used."""
    added = add_labels(data, predictions, out, least)
    if as_json:
        console.print_json({"out": str(out), **dataclasses.asdict(added)})
    elif not quiet:
        console.print_note(
            f"{out}: {added.joints} joints added to {added.found} of {added.people} people"
        )
