"""Which picture of a ground truth a result belongs to, by its id or by its file's name.

Tools number pictures anew when they export a data set (CVAT in its own order, Label Studio from 0),
and Ultralytics writes names in place of ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mpn_cli.base.errors import InputError
from mpn_cli.formats.coco import Id, Image, ImageList, number_of, read_data_set
from mpn_cli.formats.pictures import PictureNames

DATA_SET = "dataset.json"
"""What mpn annotate writes beside its predictions.json: the pictures' names by id."""


@dataclass(frozen=True)
class Pictures:
    """A ground truth's pictures, however they are asked for."""

    file: Path
    images: Mapping[int, Image]
    """By number."""
    numbers: Mapping[Id, int]
    """By the id that the file gives them; the same but for ids that are texts or negative."""

    @cached_property
    def named(self) -> PictureNames:
        """The pictures' numbers by name."""
        return PictureNames({number: one.name for number, one in self.images.items()})


@dataclass(frozen=True)
class Matched:
    """A number for each picture id of some results."""

    numbers: dict[Id, int]
    """The ground truth's number; one below 0 where the picture is none of its."""
    notes: list[str] = field(default_factory=list)


def names_beside(results: Path, truth: Path) -> dict[Id, Image]:
    """The pictures of the data set that mpn wrote beside some results; none where there is none."""
    file = results.parent / DATA_SET
    if not file.is_file() or (truth.exists() and file.samefile(truth)):
        return {}
    try:
        return {one.id: one for one in read_data_set(file, ImageList).images}
    except InputError:
        return {}  # anybody's file of that name


def match_pictures(
    truth: Pictures, ids: Iterable[Id], own_names: Mapping[Id, str], results: Path
) -> Matched:
    """Each id's picture in the ground truth.

    own_names: file names that the results give for their ids. Equal ids belong together where
    nothing speaks against it. Where names are known and some of them are the ground truth's under
    another id, the names decide.
    """
    wanted = set(ids)
    beside = names_beside(results, truth.file)
    names = {one: image.name for one, image in beside.items()} if wanted <= beside.keys() else {}
    images = beside if names else {}
    wanted |= names.keys()
    names |= own_names
    same: dict[Id, int] = {}
    moved: dict[Id, int] = {}
    theirs: dict[Id, str] = {}
    other: dict[Id, int] = {}
    for one in wanted:
        number, name = number_of(truth.numbers, one), names.get(one, "")
        if number is None and isinstance(one, str):
            name = name or one
        alike = truth.named.find(name) if name else []
        if number is not None:
            theirs[one] = truth.images[number].name
        if number is not None and (number in alike or not name or not theirs[one]):
            same[one] = number
        elif len(alike) == 1:
            moved[one] = alike[0]
        elif number is not None:
            other[one] = number
    notes = []
    numbers = same | (moved or other)
    changed = sorted(theirs.keys() - same.keys(), key=str)
    if changed:
        first = changed[0]
        notes.append(
            f"{len(changed)} pictures have another name under their id in {truth.file} (id {first}"
            f" is {names[first]}, there {theirs[first]}): "
            + (
                "pictures are matched by file name"
                if moved
                else "no file name is in both, so pictures are matched by id and may be others"
            )
        )
    notes += _other_sizes(truth, images, numbers)
    for place, one in enumerate(sorted(wanted - numbers.keys(), key=str), 1):
        numbers[one] = -place
    return Matched(numbers, notes)


def _other_sizes(
    truth: Pictures, images: Mapping[Id, Image], numbers: Mapping[Id, int]
) -> list[str]:
    """A line where the results' pictures have another size than the ground truth's."""
    differ = [
        (image, theirs)
        for one, image in images.items()
        if one in numbers
        and image.size is not None
        and (theirs := truth.images[numbers[one]].size) is not None
        and theirs != image.size
    ]
    if not differ:
        return []
    image, theirs = differ[0]
    assert image.size is not None
    turned = all(a.size == b[::-1] for a, b in differ)
    what = "turned" if turned else "of another size"
    return [
        f"{len(differ)} pictures are {what} in the ground truth (first: {image.name} is"
        f" {image.size[0]:g}x{image.size[1]:g}, there {theirs[0]:g}x{theirs[1]:g}): joints may lie"
        " beside their labels"
    ]
