"""``mpn eval``, ``mpn report`` and ``mpn nms-bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mpn_cli.cli.arguments.shared import Json, Quiet
from mpn_cli.cli.generating import with_options
from mpn_cli.options.evaluating import EvalOptions, NmsBenchOptions, ReportOptions

Numbers = Annotated[bool, typer.Option("--quiet", "-q", help="The ten numbers only.")]
TableOnly = Annotated[bool, typer.Option("--quiet", "-q", help="The table only.")]


@with_options(EvalOptions)
def evaluate(
    results: Annotated[
        list[Path],
        typer.Argument(
            help="COCO keypoint results, as predictions.json, or results folders of mpn annotate;"
            " with several, their differences from the first.",
            show_default=False,
        ),
    ],
    *,
    options: dict[str, Any],
    as_json: Json = False,
    quiet: Numbers = False,
) -> None:
    """Print COCO's ten keypoint numbers with their intervals, and explain them.

    Numbers are broken down by joint, by size and by crowding, and oddities
    of the file are reported. With MPII's ground truth it prints PCKh instead.

    Example: mpn eval out/predictions.json --gt person_keypoints.json --errors

    Example: mpn eval before.json after.json --gt person_keypoints.json

    Every option may also stand in the table eval of mpn.toml (gt = "val.json"),
    or in a variable (MPN_EVAL_GT); the command line wins.
    """
    from mpn_cli.cli.commands.eval import evaluate as run

    run(results, options, as_json=as_json, quiet=quiet)


@with_options(ReportOptions)
def report(
    out: Annotated[
        Path, typer.Argument(help="Results folder of mpn annotate.", show_default=False)
    ],
    *,
    options: dict[str, Any],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write one HTML page about a run: numbers, mistakes, histograms, pictures with poses.

    Everything is in the file; it opens in any browser, without a network.

    Example: mpn report out --gt person_keypoints.json

    Every option but images may also stand in the table report of mpn.toml, or
    in a variable (MPN_REPORT_GT); the command line wins.
    """
    from mpn_cli.cli.commands.report import report as run

    run(out, options, as_json=as_json, quiet=quiet)


@with_options(NmsBenchOptions)
def nms_bench(
    candidates: Annotated[
        Path | None,
        typer.Argument(
            help="COCO keypoint results with area or bbox, or a results folder.",
            show_default="seeded crowds",
        ),
    ] = None,
    *,
    options: dict[str, Any],
    as_json: Json = False,
    quiet: TableOnly = False,
) -> None:
    """Check the NMS backends against their definitions, then time them.

    Example: mpn nms-bench --crowd 5,50 --images 500

    Example: mpn nms-bench candidates.json --gt person_keypoints.json --table7

    Every option may also stand in the table nms-bench of mpn.toml, or in a
    variable (MPN_NMS_BENCH_REPEAT); the command line wins.
    """
    from mpn_cli.cli.commands.nms_bench import nms_bench as run

    run(candidates, options, as_json=as_json, quiet=quiet)
