"""``mpn nms-bench``: the NMS backends side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from mpn_nms.contract import NmsConfig

from mpn_cli.base.errors import InputError
from mpn_cli.cli import console
from mpn_cli.cli.paper_tables import PaperFiles, PaperTable
from mpn_cli.evaluation.coco import load_truth
from mpn_cli.evaluation.files import results_file
from mpn_cli.evaluation.ground_truth import read_ground_truth
from mpn_cli.evaluation.plots import check_plot, draw_times
from mpn_cli.nms_bench.bench import CROWD_SIZES, Row, run_bench, time_by_crowd
from mpn_cli.nms_bench.candidates import Candidates, load_candidates, make_crowds
from mpn_cli.options.evaluating import NmsBenchOptions
from mpn_cli.options.layers import resolve

COLUMNS = ("backend", "method", "agrees", "AP", "kept", "µs/picture", "µs/pose", "vs hard")

TABLE_7 = {"hard": (67.7, 6.14), "soft": (67.7, 6.8), "matrix": (67.8, 6.0)}
"""The paper's Table 7 (384x288, val2017): AP and milliseconds per picture, by method."""


def nms_bench(file: Path | None, options: Mapping[str, Any], *, as_json: bool, quiet: bool) -> None:
    """Run the command. Raises InputError and PluginError."""
    settings = resolve(NmsBenchOptions, options).settings
    truth, plot = settings.gt, settings.plot
    papers = PaperFiles(settings.markdown, settings.latex, "mpn nms-bench")
    config = NmsConfig(thr=settings.nms_thr, max_dets=settings.max_dets)
    if truth is not None and file is None:
        raise InputError("--gt goes with a file of candidates")
    if truth is not None and not truth.is_file():
        raise InputError(f"--gt {truth}: no such file")
    labelled = read_ground_truth(truth) if truth else None
    if labelled is not None:
        if not labelled.scored:
            raise InputError(f"--gt {truth}: {labelled.notes[-1]}")
        for note in [] if quiet else labelled.notes:
            console.print_note(f"{truth}: {note}")
    if plot is not None:
        check_plot(plot)
    papers.check()
    candidates = load_candidates(results_file(file), labelled) if file else _crowds(settings)
    names = settings.backend.split(",") if settings.backend else None
    rows = run_bench(
        candidates,
        names,
        config,
        settings.repeat,
        load_truth(labelled.content()) if labelled else None,
        labelled.custom_sigmas if labelled else None,
    )
    asked = config.max_dets != NmsConfig().max_dets
    if asked and not quiet and not any(r.method.startswith(("soft", "matrix")) for r in rows):
        console.print_note("--max-dets does nothing here: it is for soft and matrix")
    poses, pictures = len(candidates.batch.scores), candidates.batch.pictures
    columns, cells = (
        (TABLE_7_COLUMNS, _table_7(rows))
        if settings.table7
        else (COLUMNS, [_cells(row) for row in rows])
    )
    if plot is not None:
        times = time_by_crowd(names, config, CROWD_SIZES, settings.seed)
        draw_times(CROWD_SIZES, times, plot)
    title = f"{poses} poses in {pictures} pictures"
    note = TABLE_7_NOTE if settings.table7 else ""
    papers.write([PaperTable(f"{title}. {note}".strip(), columns, cells, words=2)])
    if as_json:
        console.print_json(
            {"poses": poses, "pictures": pictures, "rows": msgspec.to_builtins(rows)}
        )
        return
    table = console.make_table(title, columns, 3)
    table.caption = note or None
    for line in cells:
        table.add_row(*line)
    console.print_table(table)


def _crowds(settings: NmsBenchOptions) -> Candidates:
    try:
        sizes = [int(part) for part in settings.crowd.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise InputError(
            f"--crowd {settings.crowd}: poses per picture, over 0, separated by commas"
        )
    crowds = np.resize(np.array(sizes, dtype=np.int64), settings.images)
    return make_crowds(crowds, settings.seed)


def _spread(row: Row) -> float:
    """Half the range of a row's timings, as a share of their median."""
    low, high = row.spread
    return (high - low) / 2 / row.microseconds


def _short(microseconds: float) -> str:
    """Three digits; from 1,000 on in thousands ("12.3k"), so that the table fits 80 columns."""
    if microseconds >= 999.5:
        return f"{_three_digits(microseconds / 1000)}k"
    return _three_digits(microseconds)


def _three_digits(value: float) -> str:
    return (
        f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"
    )


def _cells(row: Row) -> list[str]:
    return [
        row.backend,
        row.method,
        row.agrees,
        "-" if row.ap is None else f"{row.ap:.4f}",
        str(row.kept),
        f"{_short(row.microseconds)} ±{_spread(row):.0%}",
        _short(row.microseconds_per_pose),
        "-" if row.against_hard is None else f"{row.against_hard:.1f}x",
    ]


TABLE_7_NOTE = (
    "The paper's times were measured on another machine, in 2021, and on other poses: the last"
    " column compares machines as well as methods."
)

TABLE_7_COLUMNS = ("method", "paper AP", "paper ms", "backend", "AP", "ms", "times as fast")


def _table_7(rows: list[Row]) -> list[list[str]]:
    """The paper's rows with ours beside them."""
    lines = []
    for method, (paper_ap, paper_ms) in TABLE_7.items():
        for row in rows:
            if row.method == method:
                ap = "-" if row.ap is None else f"{100 * row.ap:.1f}"
                ours = row.microseconds / 1000
                lines.append(
                    [
                        method,
                        f"{paper_ap:.1f}",
                        f"{paper_ms:.2f}",
                        row.backend,
                        ap,
                        f"{ours:.4f}",
                        f"{paper_ms / ours:,.0f}",
                    ]
                )
    return lines
