"""COCO's files (cocodataset.org/#format-data), read as tolerantly as pycocotools reads them.

Converters write ids as 1.0, ``iscrowd`` as false, and null or nothing into fields that they do not
know. Only the fields that are needed are read; one that can't be understood is an error.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from mpn_cli.base.errors import InputError
from mpn_cli.formats.files import read_json

PERSON = "person"
LABELS = "person_keypoints.json"
"""The labels' file where a data set is named by its folder."""

PERSON_ID = 1
"""COCO's id of the category person, which is meant where a file says nothing."""

Id = int | str
"""Usually a number; some tools write the name of the file instead."""

Number = Annotated[float, msgspec.Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
"""A number that is one: "nan" and "inf", which numbers written as texts may say, are refused."""

LARGEST_ID = 2**53
"""Evaluations keep ids as floating point numbers, which can't tell larger ones apart."""

_DataSet = TypeVar("_DataSet", bound="ImageList")

_NAMED = 10
"""The most categories that a message names."""


class Image(msgspec.Struct, gc=False):
    """One picture of a data set."""

    id: Id
    file_name: str | int | None = None
    width: Any = None
    height: Any = None
    labels_complete: bool = True
    """False where there may be people without an annotation; no field of COCO's own."""

    @property
    def name(self) -> str:
        """The name as the file gives it; empty where there is none."""
        return "" if self.file_name is None else str(self.file_name)

    @property
    def size(self) -> tuple[float, float] | None:
        """Width and height in pixels, where both are known."""
        try:
            width, height = float(self.width), float(self.height)
        except (TypeError, ValueError):
            return None
        return (width, height) if width > 0 and height > 0 else None


class Annotation(msgspec.Struct):
    """A labelled box."""

    image_id: Id
    id: Id | None = None
    category_id: Id = PERSON_ID
    bbox: list[Number] | None = None
    """x, y, width, height, pixels."""
    iscrowd: int | bool | None = None


class Person(Annotation):
    """A labelled pose."""

    area: Number | None = None
    """Pixels squared, of the segmented person."""
    num_keypoints: int | None = None
    keypoints: list[Number] | None = None
    """x, y in pixels and visibility (0: not labelled) of each joint, flat."""
    keypoint_confidences: list[Number] | None = None
    """How much each joint counts in training, 0 to 1; not a field of COCO's."""

    @property
    def labelled(self) -> int:
        """How many joints are labelled."""
        return sum(map(_is_seen, self.keypoints[2::3])) if self.keypoints else 0


_is_seen = (0.0).__lt__
"""Whether a visibility is over 0."""


class Category(msgspec.Struct):
    """A kind of thing, with its joints."""

    id: Id
    name: str | int | None = None
    keypoints: list[Any] | None = None

    @property
    def joints(self) -> tuple[str, ...]:
        """The names of its joints."""
        return tuple(str(name) for name in self.keypoints or ())


class ImageList(msgspec.Struct):
    """A data set's pictures and categories; its labels are not read."""

    images: list[Image]
    categories: list[Category] | None = None


class BoxDataSet(ImageList):
    """A data set with boxes; joints are not read."""

    annotations: list[Annotation] | None = None


class PoseDataSet(ImageList):
    """A data set with poses."""

    annotations: list[Person] | None = None


class Detection(msgspec.Struct, gc=False):
    """A box of a detection list (cocodataset.org/#format-results)."""

    image_id: Id
    bbox: list[Number] | None = None
    category_id: Id = PERSON_ID
    score: Number = 1.0


def read_data_set(file: Path, kind: type[_DataSet]) -> _DataSet:
    """A COCO data set, as much of it as ``kind`` says. Raises InputError."""
    return read_json(file, kind, "a COCO data set")


def numbered(ids: Iterable[Id]) -> dict[Id, int]:
    """A number for each id that every tool can work with, in their order.

    Whole numbers from 0 to 2**53 keep their value, also where they are written as texts; where one
    id is none, all are counted from 1.
    """
    different = set(ids)
    values = {one: _number(one) for one in different}
    numbers = {one: number for one, number in values.items() if number is not None}
    plain = len(set(numbers.values())) == len(different)
    if plain and all(0 <= number < LARGEST_ID for number in numbers.values()):
        return numbers
    texts = sorted(one for one in different if isinstance(one, str))
    ordered: list[Id] = [*sorted(one for one in different if isinstance(one, int)), *texts]
    return {one: place for place, one in enumerate(ordered, 1)}


def number_of(numbers: Mapping[Id, int], one: Id) -> int | None:
    """The number of an id, which may be written as a text in one file and not in the other."""
    if one in numbers:
        return numbers[one]
    other = str(one) if isinstance(one, int) else _number(one)
    return None if other is None else numbers.get(other)


def _number(one: Id) -> int | None:
    if isinstance(one, int):
        return one
    return int(one) if one.isascii() and one.isdecimal() else None


def find_category(categories: Sequence[Category], wanted: str) -> set[Id]:
    """The ids of categories with a name in any case, else the one with that id; perhaps none."""
    word = _folded(wanted)
    return {one.id for one in categories if _folded(one.name) == word} or {
        one.id for one in categories if str(one.id) == wanted.strip()
    }


def person_categories(
    where: str, categories: Sequence[Category] | None, used: Iterable[Id], wanted: str | None
) -> set[Id]:
    """The category ids that are people, as numbers and as texts.

    where: the file, for messages; used: the ids of its annotations; wanted: a name or an id, where
    the user says which. Without it that is whatever is called person, and COCO's id 1 in a file
    without categories. Nothing is guessed. Raises InputError naming the categories.
    """
    if categories:
        found = find_category(categories, wanted or PERSON)
        if found:
            return _in_both_forms(found)
        what = f"no category is called {wanted or PERSON}"
        raise InputError(f"{where}: {what}; there are: {list_categories(categories)}. {HINT}")
    ids = set(used)
    person = PERSON_ID if wanted is None else int(wanted) if wanted.isdecimal() else wanted
    if ids and not _in_both_forms({person}) & ids:
        raise InputError(
            f"{where}: names no categories, and none of its annotations has category {person}"
            f" (there are: {', '.join(map(str, sorted(ids, key=str)[:_NAMED]))}). {HINT}"
        )
    return _in_both_forms({person})


def _in_both_forms(ids: set[Id]) -> set[Id]:
    """Ids as numbers and as texts: annotations may write them otherwise than categories."""
    numbers = {number for one in ids if (number := _number(one)) is not None}
    return ids | numbers | {str(one) for one in ids}


HINT = "--person-category says which are people, by name or id"


def list_categories(categories: Sequence[Category]) -> str:
    """A data set's categories for a message: "1 person, 2 car"."""
    names = ", ".join(
        f"{one.id} {one.name}" if one.name is not None else str(one.id)
        for one in categories[:_NAMED]
    )
    more = len(categories) - _NAMED
    return f"{names} and {more} more" if more > 0 else names


def _folded(name: str | int | None) -> str:
    return "" if name is None else str(name).strip().casefold()
