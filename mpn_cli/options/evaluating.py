"""The options of ``mpn eval``, ``mpn report`` and ``mpn nms-bench``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from mpn_cli.options.declaring import Declared, Natural, Option, Positive, Share

Sigmas = Annotated[
    str | None,
    Option(
        "OKS constants of the joints, separated by commas; or one for all, coco or mpii.",
        shown="COCO's, for 17 joints",
    ),
]
Category = Annotated[
    str | None,
    Option(
        "Evaluate one category of the ground truth: its name in any case, or its id.",
        shown="all that have joints",
    ),
]


Markdown = Annotated[Path | None, Option("Also write the tables as Markdown.", written=True)]
Latex = Annotated[
    Path | None, Option("Also write the tables for LaTeX, with booktabs.", written=True)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalOptions(Declared):
    """What ``mpn eval`` can be told."""

    TABLE: ClassVar[str] = "eval"

    gt: Annotated[
        Path | None, Option("COCO data set with labelled keypoints; or MPII's JSON or .mat.")
    ] = None
    errors: Annotated[
        bool,
        Option(
            "Sort the mistakes: jitter, inversion, swap, miss, background, missed people; AP"
            " without each; the worst pictures."
        ),
    ] = False
    resamples: Annotated[
        Natural, Option("Draws of the bootstrap behind the intervals; 0: none.")
    ] = 200
    sigmas: Sigmas = None
    category: Category = None
    engine: Annotated[
        str, Option("mpn; hotcoco and pycocotools give the same numbers, more slowly.")
    ] = "mpn"
    markdown: Markdown = None
    latex: Latex = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions(Declared):
    """What ``mpn report`` can be told."""

    TABLE: ClassVar[str] = "report"
    NOT_FROM_FILES: ClassVar[Mapping[str, str]] = {
        "images": "pictures would be fetched from an address that nobody asked for"
    }

    gt: Annotated[Path | None, Option("COCO data set: how good the poses are, and why.")] = None
    page: Annotated[
        Path | None,
        Option("The file.", shown="OUT/report.html", names=("--page", "-o"), written=True),
    ] = None
    images: Annotated[
        str | None,
        Option(
            "Where the pictures are, if they were moved; from an address they are fetched only if"
            " it is given here."
        ),
    ] = None
    gallery: Annotated[Natural, Option("Approximate number of pictures shown, as thumbnails.")] = (
        300
    )
    sigmas: Sigmas = None
    category: Category = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NmsBenchOptions(Declared):
    """What ``mpn nms-bench`` can be told."""

    TABLE: ClassVar[str] = "nms-bench"

    gt: Annotated[Path | None, Option("COCO data set: AP for each backend.")] = None
    crowd: Annotated[str, Option("Poses per picture, in turn.")] = "5,20,100"
    images: Annotated[Positive, Option("Pictures with crowds.")] = 2000
    seed: Annotated[Natural, Option("Seed of the crowds.")] = 0
    backend: Annotated[
        str | None, Option("Names from mpn backends, as hard,numba.", shown="all")
    ] = None
    repeat: Annotated[Positive, Option("How often each backend is timed.")] = 5
    nms_thr: Annotated[Share, Option("Poses whose OKS is over this are duplicates.")] = 0.8
    max_dets: Annotated[
        Positive, Option("Soft and matrix NMS keep at most so many poses per picture.")
    ] = 20
    markdown: Markdown = None
    latex: Latex = None
    plot: Annotated[
        Path | None,
        Option(
            "Draw time against poses per picture, 1 to 500, as .svg, .png or .pdf.", written=True
        ),
    ] = None
    table7: Annotated[
        bool,
        Option(
            "The paper's Table 7 and ours side by side. Its times were measured on another machine."
        ),
    ] = False
