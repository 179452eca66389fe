"""``mpn report``: one HTML page about a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mpn_cli.base.files import write_file
from mpn_cli.base.outputs import check_output
from mpn_cli.cli import console
from mpn_cli.options.evaluating import ReportOptions
from mpn_cli.options.layers import resolve
from mpn_cli.report.page import GENERATOR, make_page
from mpn_cli.report.run import read_run


def report(out: Path, options: Mapping[str, Any], *, as_json: bool, quiet: bool) -> None:
    """Write the page. Raises InputError."""
    settings = resolve(ReportOptions, options).settings
    target = settings.page or out / "report.html"
    run = read_run(out, settings.images)
    check_output(target, f'content="{GENERATOR}"', "--page")
    page = make_page(run, settings.gt, settings.sigmas, settings.gallery, settings.category)
    content = page.encode(errors="backslashreplace")
    write_file(target, content)
    if settings.images is None and run.addresses() and not quiet:
        console.print_note(
            f"the pictures are at {', '.join(run.addresses())}; --images fetches them from there"
        )
    if as_json:
        console.print_json({"report": str(target), "bytes": len(content)})
    elif not quiet:
        console.print_note(f"{target}: {len(content) / 1e6:.1f} MB; open it in any browser")
