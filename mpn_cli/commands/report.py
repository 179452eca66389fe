"""``mpn report``: one HTML page about a run."""

from __future__ import annotations

from pathlib import Path

from mpn_cli import console
from mpn_cli.engine.folder import writing
from mpn_cli.engine.parts import replace_file
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
    category: str | None = None,
) -> None:
    """Write the page. Raises InputError."""
    content = make_page(read_run(out, images), truth, sigmas, gallery, category).encode()
    target = page or out / "report.html"
    with writing(target.parent):
        replace_file(target, content)
    if as_json:
        console.print_json({"report": str(target), "bytes": len(content)})
    else:
        console.print_note(f"{target}: {len(content) / 1e6:.1f} MB; open it in any browser")
