"""The options of ``mpn convert`` and ``mpn export``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from mpn_cli.base.choices import Pictures, Rows
from mpn_cli.options.declaring import Declared, Option, Share


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertOptions(Declared):
    """What ``mpn convert`` can be told."""

    TABLE: ClassVar[str] = "convert"

    rows: Annotated[
        Rows, Option("csv and parquet: one row per joint or per person: joint or person.")
    ] = Rows.JOINT
    pose_thr: Annotated[
        Share | None,
        Option(
            "Leave out poses with a lower score.", shown="the run's; all of a data set's people"
        ),
    ] = None
    category: Annotated[
        str | None,
        Option(
            "Only one category of a data set: its name in any case, or its id.",
            shown="all that have joints",
        ),
    ] = None
    images: Annotated[
        str | None,
        Option("Picture folder, if the pictures are not where the run or the data set found them."),
    ] = None
    pictures: Annotated[
        Pictures,
        Option("yolo: link the pictures beside the labels, copy them, or leave them: none."),
    ] = Pictures.LINK


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions(Declared):
    """What ``mpn export`` can be told."""

    TABLE: ClassVar[str] = "export"

    with_decoding: Annotated[
        bool,
        Option(
            "The file gives joints in pixels of the crop and confidences, not heatmaps.",
            names=("--with-decoding/--heatmaps",),
        ),
    ] = False
