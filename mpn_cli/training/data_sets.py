"""Reading COCO data sets for training."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from mpn_cli.base.arrays import BoolArray, Picture
from mpn_cli.base.errors import InputError
from mpn_cli.formats.coco import (
    LABELS,
    PERSON,
    PERSON_ID,
    Category,
    Id,
    Image,
    find_category,
    list_categories,
)
from mpn_cli.formats.files import decode_json, read_content
from mpn_cli.formats.pictures import PictureFinder
from mpn_cli.sources.reading import Size, UnreadableError, decode_picture

_DataSet = TypeVar("_DataSet")


class TrainingDataError(InputError):
    """A data set that can't be trained on; the message says where and why."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A labelled picture."""

    path: Path
    size: Size | None = None
    """Width and height that its label file says."""


def read_data_set(source: Path, kind: type[_DataSet]) -> tuple[Path, str, _DataSet]:
    """(label file, digest of its content, content) of a COCO keypoint data set.

    source: the JSON file, or a folder holding ``person_keypoints.json``. Raises InputError with
    one line.
    """
    file = source / LABELS if source.is_dir() else source
    content = read_content(file)
    data = decode_json(content, kind, f"{file}: not a COCO keypoint data set", str(file))
    return file, hashlib.sha256(content).hexdigest()[:16], data


def to_content(data: object) -> Any:
    """Structs of :mod:`mpn_cli.formats.coco` as JSON's types, without fields that have no value."""
    return _without_nulls(msgspec.to_builtins(data))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def people_of(
    file: Path, categories: Sequence[Category] | None, used: Collection[Id]
) -> Collection[Id]:
    """Which of the category ids in use are people.

    The one that labels use, where they use but one; of several the one called person, or COCO's id
    1 where the file names none. Raises TrainingDataError naming the categories.
    """
    if len(set(used)) <= 1:
        return used
    if not categories:
        if PERSON_ID in used:
            return {PERSON_ID}
        listed = ", ".join(map(str, sorted(used, key=str)))
        raise TrainingDataError(f"{file}: names no categories, and none of them ({listed}) is 1")
    found = find_category(categories, PERSON)
    if not found & set(used):
        raise TrainingDataError(
            f"{file}: labels of several categories, none of them called {PERSON};"
            f" there are: {list_categories(categories)}"
        )
    return found


def find_pictures(
    file: Path, images: Sequence[Image], ids: Sequence[Id]
) -> tuple[PictureFile, ...]:
    """The pictures of some ids: in ``images/`` beside the label file, else beside it.

    Raises TrainingDataError where one is missing.
    """
    places = PictureFinder.beside(str(file))
    by_id = {image.id: image for image in images}
    found: list[PictureFile] = []
    missing: list[str] = []
    for one in ids:
        place = places.find(by_id[one].name) if one in by_id and by_id[one].name else None
        if place is None:
            missing.append(by_id[one].name if one in by_id else f"image id {one}")
        else:
            found.append(PictureFile(Path(place[0]), by_id[one].size))
    if missing:
        raise TrainingDataError(
            f"{file}: {len(missing)} of {len(ids)} pictures are not in {places.roots[0]}/"
            f" (first: {missing[0]})"
        )
    return tuple(found)


def read_labelled_picture(picture: PictureFile) -> Picture:
    """A picture (H, W, 3) RGB in the orientation that its labels are meant in.

    That is upright, as browsers and labelling tools show it, unless the label file gives the size
    of the stored pixels. Raises TrainingDataError.
    """
    try:
        return decode_picture(picture.path.read_bytes(), picture.size)
    except OSError as error:
        raise TrainingDataError(f"{picture.path}: {error.strerror}") from None
    except UnreadableError as error:
        raise TrainingDataError(
            f"{picture.path}: not a picture that can be read ({error})"
        ) from None


def held_out(file: Path, pictures: Sequence[PictureFile], every: int) -> BoolArray:
    """(N,) which pictures validate: every ``every``-th, by a hash of its name; at least one.

    Raises TrainingDataError where none would be left to train on.
    """
    if len(pictures) < 2:
        raise TrainingDataError(
            f"{file}: {len(pictures)} picture with labels; training needs at least 2, one of which"
            " validates"
        )
    hashes = np.array(
        [int(hashlib.sha256(p.path.name.encode()).hexdigest()[:8], 16) for p in pictures]
    )
    chosen = hashes % every == 0
    if not chosen.any():
        chosen[np.argmin(hashes % every)] = True
    elif chosen.all():
        chosen[np.argmax(hashes)] = False
    return np.asarray(chosen)


def digest_of(labels: str, *arrays: object) -> str:
    """What a cache of some of a data set's labels is called: changes with any of them."""
    digest = hashlib.sha256(labels.encode())
    for one in arrays:
        digest.update(np.ascontiguousarray(one).tobytes())
    return digest.hexdigest()[:16]
