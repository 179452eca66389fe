"""The formats by name, and what is checked and counted around their writers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mpn_cli.base.choices import Pictures, ResultsFormat, Rows
from mpn_cli.base.outputs import check_output
from mpn_cli.results.converting import cvat, tables
from mpn_cli.results.converting.cvat import write_cvat
from mpn_cli.results.converting.folders import check_folder
from mpn_cli.results.converting.labelled import Conversion, LabelledPicture, Write
from mpn_cli.results.converting.labelme import write_labelme
from mpn_cli.results.converting.openpose import write_openpose
from mpn_cli.results.converting.reading import Labels
from mpn_cli.results.converting.yolo import write_yolo

WRITERS: dict[ResultsFormat, tuple[Write, str | None]] = {
    ResultsFormat.YOLO: (write_yolo, None),
    ResultsFormat.CSV: (tables.write_csv, tables.CSV_MARK),
    ResultsFormat.PARQUET: (tables.write_parquet, tables.PARQUET_MARK),
    ResultsFormat.LABELME: (write_labelme, None),
    ResultsFormat.CVAT: (write_cvat, cvat.MARK),
    ResultsFormat.OPENPOSE: (write_openpose, None),
}
"""Each format's writer, and the text by which its files are known as mpn's; None for folders."""


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written and what was not."""

    pictures: int
    people: int
    left_out: Counter[str]
    """What the format can't hold, by reason; counted in ``people`` all the same."""


def check_place(to: ResultsFormat, out: Path) -> None:
    """Raise InputError if OUT can't be written, or is not mpn's to replace."""
    _, mark = WRITERS[to]
    if mark is None:
        check_folder(out, "-o")
    else:
        check_output(out, mark, "-o")


def convert(
    labels: Labels,
    to: ResultsFormat,
    out: Path,
    rows: Rows,
    pictures: Pictures,
    advance: Callable[[int], None],
) -> Converted:
    """Write labels in a format; the result is there whole or not at all.

    advance: told the number of pictures that are done. Raises InputError for what the format can't
    hold at all.
    """
    conversion = Conversion(out, labels.joint_sets, labels.text_ids, rows, pictures)
    done = people = 0

    def counted() -> Iterator[LabelledPicture]:
        nonlocal done, people
        for picture in labels.pictures:
            yield picture
            done += 1
            people += len(picture.people)
            advance(done)

    write, _ = WRITERS[to]
    write(out, counted(), conversion)
    return Converted(done, people, +conversion.left_out)
