"""``mpn nms-bench``: the NMS backends side by side."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from mpn_cli import console
from mpn_cli.errors import InputError
from mpn_cli.evaluation.candidates import Candidates, load_candidates, make_crowds
from mpn_cli.evaluation.coco import load_truth
from mpn_cli.evaluation.nms_bench import Row, run_bench
from nms_backends.contract import NmsConfig

COLUMNS = ("backend", "method", "agrees", "AP", "kept", "µs a picture", "vs hard")


def nms_bench(
    file: Path | None,
    truth: Path | None,
    crowd: str,
    images: int,
    seed: int,
    backends: str | None,
    repeat: int,
    config: NmsConfig,
    markdown: Path | None,
    as_json: bool,
) -> None:
    """Run the command. Raises InputError and PluginError."""
    if truth is not None and file is None:
        raise InputError("--gt goes with a file of candidates")
    if truth is not None and not truth.is_file():
        raise InputError(f"--gt {truth}: no such file")
    candidates = load_candidates(file) if file else _crowds(crowd, images, seed)
    rows = run_bench(
        candidates,
        backends.split(",") if backends else None,
        config,
        repeat,
        load_truth(str(truth)) if truth else None,
    )
    poses, pictures = len(candidates.batch.scores), candidates.batch.pictures
    if markdown is not None:
        markdown.write_text(_markdown(rows))
    if as_json:
        console.print_json(
            {"poses": poses, "pictures": pictures, "rows": msgspec.to_builtins(rows)}
        )
        return
    table = console.make_table(f"{poses} poses in {pictures} pictures", COLUMNS, 3)
    for row in rows:
        table.add_row(*_cells(row))
    console.stdout.print(table)


def _crowds(crowd: str, images: int, seed: int) -> Candidates:
    try:
        sizes = [int(part) for part in crowd.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise InputError(f"--crowd {crowd}: poses a picture, over 0, separated by commas")
    return make_crowds(np.resize(np.array(sizes, dtype=np.int64), images), seed)


def _cells(row: Row) -> list[str]:
    return [
        row.backend,
        row.method,
        row.agrees,
        "-" if row.ap is None else f"{row.ap:.4f}",
        str(row.kept),
        f"{row.microseconds:,.1f} ({row.spread[0]:,.0f}-{row.spread[1]:,.0f})",
        "-" if row.against_hard is None else f"{row.against_hard:.1f}x",
    ]


def _markdown(rows: list[Row]) -> str:
    lines = [COLUMNS, ("---",) * len(COLUMNS), *map(_cells, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
