"""``mpn report``: one HTML page about a run."""

from __future__ import annotations

from pathlib import Path

from mpn_cli.base.files import write_file
from mpn_cli.base.outputs import check_output
from mpn_cli.cli import console
from mpn_cli.report.page import GENERATOR, make_page
from mpn_cli.report.run import read_run


def report(
    out: Path,
    truth: Path | None,
    page: Path | None,
    images: str | None,
    sigmas: str | None,
    gallery: int,
    as_json: bool,
    category: str | None = None,
    quiet: bool = False,
) -> None:
    """Write the page. Raises InputError."""
    target = page or out / "report.html"
    run = read_run(out, images)
    check_output(target, f'content="{GENERATOR}"', "--page")
    content = make_page(run, truth, sigmas, gallery, category).encode(errors="backslashreplace")
    write_file(target, content)
    if images is None and run.addresses() and not quiet:
        console.print_note(
            f"the pictures are at {', '.join(run.addresses())}; --images fetches them from there"
        )
    if as_json:
        console.print_json({"report": str(target), "bytes": len(content)})
    elif not quiet:
        console.print_note(f"{target}: {len(content) / 1e6:.1f} MB; open it in any browser")
