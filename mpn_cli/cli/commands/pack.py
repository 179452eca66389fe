"""``mpn pack``: people's crops in tar files."""

from __future__ import annotations

from pathlib import Path

from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import SKELETONS
from mpn_cli.cli import console
from mpn_cli.training.packing import pack as write_tars


def pack(
    data: list[Path],
    out: Path,
    most_mb: float,
    height: int,
    quality: int,
    joints: int,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run the command. Raises InputError for data and folders that can't be used."""
    if joints not in SKELETONS:
        raise InputError(f"--joints {joints}: not one of {', '.join(map(str, SKELETONS))}")
    with console.progress("pack", 0, quiet=quiet) as advance:
        files = write_tars(
            data,
            out,
            most_mb,
            height,
            quality,
            joints,
            lambda done, of: advance(done, "people", of),
        )
    sizes = {str(file): file.stat().st_size for file in files}
    if as_json:
        console.print_json({"files": sizes})
    elif not quiet:
        for name, size in sizes.items():
            console.print_note(f"{name}: {size / 1e6:.1f} MB")
