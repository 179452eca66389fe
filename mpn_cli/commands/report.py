"""``mpn report``: one HTML page about a run."""

from __future__ import annotations

from pathlib import Path

from mpn_cli import console
from mpn_cli.engine.parts import replace_file
from mpn_cli.evaluation.files import check_target
from mpn_cli.report.page import make_page
from mpn_cli.report.run import read_run


def report(
    out: Path,
    truth: Path | None,
    page: Path | None,
    images: Path | None,
    sigmas: str | None,
    gallery: int,
    as_json: bool,
    quiet: bool = False,
) -> None:
    """Write the page. Raises InputError."""
    run = read_run(out, images)
    target = page or out / "report.html"
    check_target(target, "--page")
    content = make_page(run, truth, sigmas, gallery).encode(errors="backslashreplace")
    replace_file(target, content)
    if as_json:
        console.print_json({"report": str(target), "bytes": len(content)})
    elif not quiet:
        console.print_note(f"{target}: {len(content) / 1e6:.1f} MB; open it in any browser")
