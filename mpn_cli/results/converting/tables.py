"""CSV and Parquet: a row per joint or per person.

A picture without people has one row without a person, so that it can be told from one that was
never looked at. Fields that are not known are empty (null in Parquet); so is a joint's position
where it was not labelled or not found.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from mpn_cli.base.choices import Rows
from mpn_cli.base.errors import InputError
from mpn_cli.base.files import new_file, unfinished_file
from mpn_cli.results.converting.labelled import (
    Conversion,
    Joint,
    Labelled,
    LabelledPicture,
)

Row = Sequence[int | float | str | None]
Columns = list[tuple[str, type]]
"""Names and types: int, float or str."""

_PICTURE: Columns = [("image_id", int), ("file_name", str), ("width", int), ("height", int)]
_PERSON: Columns = [
    ("person", int),
    ("track_id", int),
    ("category", str),
    ("score", float),
    ("bbox_x", float),
    ("bbox_y", float),
    ("bbox_width", float),
    ("bbox_height", float),
]
_JOINT: Columns = [("x", float), ("y", float), ("visibility", int), ("confidence", float)]

CSV_MARK = ",".join(name for name, _ in _PICTURE + _PERSON)
"""The beginning of every CSV file's first line."""
PARQUET_MARK = "mpn convert"
"""The value of the key ``written_by`` in every Parquet file."""

_ROW_GROUP = 1 << 16


def write_csv(out: Path, pictures: Iterable[LabelledPicture], conversion: Conversion) -> None:
    """A CSV file (RFC 4180) in UTF-8."""
    columns, rows = _table(pictures, conversion)
    with new_file(out) as binary:
        text = io.TextIOWrapper(binary, encoding="utf-8", newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(name for name, _ in columns)
        writer.writerows(rows)
        text.flush()
        text.detach()


def write_parquet(out: Path, pictures: Iterable[LabelledPicture], conversion: Conversion) -> None:
    """A Parquet file, a row group at a time. Raises InputError where pyarrow is missing."""
    if find_spec("pyarrow") is None:
        raise InputError("--to parquet needs pyarrow; pip install 'mobileposenet[parquet]'")
    import pyarrow
    from pyarrow import parquet

    kinds = {int: pyarrow.int64(), float: pyarrow.float64(), str: pyarrow.string()}
    columns, rows = _table(pictures, conversion)
    schema = pyarrow.schema(
        [(name, kinds[kind]) for name, kind in columns], metadata={"written_by": PARQUET_MARK}
    )
    with (
        unfinished_file(out) as unfinished,
        parquet.ParquetWriter(unfinished, schema) as writer,
    ):
        while group := list(islice(rows, _ROW_GROUP)):
            values = [list(column) for column in zip(*group, strict=True)]
            writer.write_table(pyarrow.table(values, schema=schema))


def _table(
    pictures: Iterable[LabelledPicture], conversion: Conversion
) -> tuple[Columns, Iterator[Row]]:
    picture_columns = list(_PICTURE)
    if conversion.text_ids:
        picture_columns[0] = ("image_id", str)
    if conversion.rows is Rows.JOINT:
        columns = [("joint", int), ("joint_name", str), *_JOINT]
        details: Callable[[Labelled], Iterable[Row]] = _joint_rows
    else:
        kind = conversion.only_joint_set("a table with a row per person")
        columns = [(f"{joint}_{name}", value) for joint in kind.names for name, value in _JOINT]
        details = _person_rows
    empty = [None] * (len(_PERSON) + len(columns))

    def rows() -> Iterator[Row]:
        for picture in pictures:
            width, height = picture.size or (None, None)
            image_id = str(picture.id) if conversion.text_ids else picture.id
            first = [image_id, picture.file_name, width, height]
            if not picture.people:
                yield [*first, *empty]
            for number, person in enumerate(picture.people, 1):
                box = person.box or (None,) * 4
                kind = person.joint_set.category
                who = [number, person.track_id, kind, person.score, *box]
                for detail in details(person):
                    yield [*first, *who, *detail]

    return picture_columns + _PERSON + columns, rows()


def _joint_rows(person: Labelled) -> Iterator[Row]:
    for number, (name, joint) in enumerate(zip(person.joint_set.names, person.joints, strict=True)):
        yield [number, name, *_values(joint)]


def _person_rows(person: Labelled) -> Iterator[Row]:
    yield [value for joint in person.joints for value in _values(joint)]


def _values(joint: Joint) -> Row:
    x, y = (joint.x, joint.y) if joint.visibility else (None, None)
    return x, y, joint.visibility, joint.confidence
