"""``mpn eval``, ``mpn report`` and ``mpn nms-bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mpn_cli.cli.arguments.shared import Json, Quiet

Numbers = Annotated[bool, typer.Option("--quiet", "-q", help="The ten numbers only.")]
TableOnly = Annotated[bool, typer.Option("--quiet", "-q", help="The table only.")]

Sigmas = Annotated[
    str | None,
    typer.Option(
        help="OKS constants of the joints, separated by commas; or one for all, coco or mpii.",
        show_default="COCO's, for 17 joints",
    ),
]


Category = Annotated[
    str | None,
    typer.Option(
        help="Evaluate one category of the ground truth: its name in any case, or its id.",
        show_default="all that have joints",
    ),
]


def evaluate(
    results: Annotated[
        list[Path],
        typer.Argument(
            help="COCO keypoint results, as predictions.json, or results folders of mpn annotate;"
            " with several, their differences from the first.",
            show_default=False,
        ),
    ],
    gt: Annotated[
        Path, typer.Option(help="COCO data set with labelled keypoints; or MPII's JSON or .mat.")
    ],
    errors: Annotated[
        bool,
        typer.Option(
            "--errors",
            help="Sort the mistakes: jitter, inversion, swap, miss, background, missed people;"
            " AP without each; the worst pictures.",
        ),
    ] = False,
    resamples: Annotated[
        int, typer.Option(min=0, help="Draws of the bootstrap behind the intervals; 0: none.")
    ] = 200,
    sigmas: Sigmas = None,
    category: Category = None,
    engine: Annotated[
        str, typer.Option(help="hotcoco, or pycocotools: the same numbers, slower.")
    ] = "hotcoco",
    as_json: Json = False,
    quiet: Numbers = False,
) -> None:
    """Print COCO's ten keypoint numbers with their intervals, and why they are so.

    By joint, by size and by crowding; what is odd about the file. MPII's PCKh where the ground
    truth is MPII's.

    Example: mpn eval out/predictions.json --gt person_keypoints.json --errors

    Example: mpn eval before.json after.json --gt person_keypoints.json
    """
    from mpn_cli.cli.commands.eval import evaluate as run

    run(results, gt, engine, sigmas, resamples, errors, as_json, category, quiet)


def report(
    out: Annotated[
        Path, typer.Argument(help="Results folder of mpn annotate.", show_default=False)
    ],
    gt: Annotated[
        Path | None, typer.Option(help="COCO data set: how good the poses are, and why.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--page", "-o", help="The file.", show_default="OUT/report.html")
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(
            help="Where the pictures are, if they were moved; from an address they are fetched"
            " only if it is given here."
        ),
    ] = None,
    gallery: Annotated[
        int, typer.Option(min=0, help="About so many pictures are shown; thumbnails shrink.")
    ] = 300,
    sigmas: Sigmas = None,
    category: Category = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write one HTML page about a run: numbers, mistakes, histograms, pictures with poses.

    Everything is in the file; it opens in any browser, without a network.

    Example: mpn report out --gt person_keypoints.json
    """
    from mpn_cli.cli.commands.report import report as run

    run(out, gt, page, images, sigmas, gallery, as_json, category, quiet)


def nms_bench(
    candidates: Annotated[
        Path | None,
        typer.Argument(
            help="COCO keypoint results with area or bbox, or a results folder.",
            show_default="seeded crowds",
        ),
    ] = None,
    gt: Annotated[Path | None, typer.Option(help="COCO data set: AP for each backend.")] = None,
    crowd: Annotated[str, typer.Option(help="Poses a picture, in turn.")] = "5,20,100",
    images: Annotated[int, typer.Option(min=1, help="Pictures with crowds.")] = 2000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    backend: Annotated[
        str | None,
        typer.Option(help="Names from mpn backends, as hard,numba.", show_default="all"),
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, help="Times each is timed.")] = 5,
    nms_thr: Annotated[float, typer.Option(min=0, max=1)] = 0.8,
    max_dets: Annotated[int, typer.Option(min=1, max=2**31 - 1)] = 20,
    markdown: Annotated[Path | None, typer.Option(help="Also write the table as Markdown.")] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw time against poses a picture, 1 to 500, as .svg, .png or .pdf."),
    ] = None,
    table7: Annotated[
        bool, typer.Option("--table7", help="The paper's Table 7, ours beside theirs.")
    ] = False,
    as_json: Json = False,
    quiet: TableOnly = False,
) -> None:
    """Check the NMS backends against their definitions, then time them.

    Example: mpn nms-bench --crowd 5,50 --images 500

    Example: mpn nms-bench candidates.json --gt person_keypoints.json --table7
    """
    from mpn_nms.contract import NmsConfig

    from mpn_cli.cli.commands.nms_bench import nms_bench as run

    config = NmsConfig(thr=nms_thr, max_dets=max_dets)
    run(
        candidates,
        gt,
        crowd,
        images,
        seed,
        backend,
        repeat,
        config,
        markdown,
        plot,
        table7,
        as_json,
        quiet,
    )
