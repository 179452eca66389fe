"""COCO data sets and detection lists, read strictly: what is wrong is said with its place."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from mpn_cli.errors import InputError
from mpn_cli.sources.remote import is_remote
from mpn_cli.sources.tasks import Box, Gathered, Skipped, Task
from mpn_cli.sources.walk import find_pictures, number_pictures, relative_names

PERSON = "person"
PERSON_ID = 1

SMALLEST_SIDE = 0.01
"""Results are rounded to hundredths of a pixel: a smaller box has no size."""

LARGEST_COORDINATE = 1e6
"""Pixels; a larger number is no coordinate of a picture."""

LARGEST_SCORE = 1e6
"""Scores are 0 to 1, percent or logits; beyond this their products are no numbers any more."""

_Content = TypeVar("_Content")
_Four = Annotated[list[float], msgspec.Meta(min_length=4, max_length=4)]


class _Image(msgspec.Struct, gc=False):
    id: int
    file_name: str


class _Annotation(msgspec.Struct):
    image_id: int
    id: int | None = None
    category_id: int = PERSON_ID
    bbox: _Four | None = None
    iscrowd: int = 0


class _Category(msgspec.Struct):
    id: int
    name: str


class _DataSet(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation] = []
    categories: list[_Category] = []


class _Detection(msgspec.Struct, gc=False):
    image_id: int
    bbox: _Four
    category_id: int = PERSON_ID
    score: float = 1.0


def gather_coco(
    source: str, images: str | None, image_info: str | None, out: str | None = None
) -> Gathered:
    """Tasks from a COCO data set or detection list.

    source: the JSON file; images: the picture folder (default: ``images/`` beside the file, else
    its folder); image_info: for detection lists, a data set that gives ids their file names
    (default: a picture called 139.jpg or 000000000139.jpg is id 139); out: the results folder,
    which is left out of that folder. Raises InputError.
    """
    content = _read(source)
    if content.lstrip()[:1] == b"[":
        return _gather_detections(source, content, _image_root(source, images), image_info, out)
    return _gather_data_set(source, content, _image_root(source, images))


def _read(source: str) -> bytes:
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise InputError(f"{source}: {error.strerror}") from None


def _image_root(source: str, images: str | None) -> str:
    if images is not None:
        if is_remote(images):
            return images.rstrip("/")
        if not os.path.isdir(images):
            raise InputError(f"--images {images}: no such folder")
        return os.path.abspath(images)
    beside = os.path.dirname(os.path.abspath(source))
    inner = os.path.join(beside, "images")
    return inner if os.path.isdir(inner) else beside


def _decode(source: str, content: bytes, kind: type[_Content], name: str) -> _Content:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise InputError(f"{source}: not a COCO {name}: {error}") from None
    except msgspec.DecodeError as error:
        raise InputError(f"{source}: not JSON: {error}") from None
    except RecursionError:
        raise InputError(f"{source}: not a COCO {name}: nested too deeply") from None


def _gather_data_set(source: str, content: bytes, root: str) -> Gathered:
    data = _decode(source, content, _DataSet, "data set")
    if not data.images:
        raise InputError(f"{source}: its images list is empty")
    names = _names_by_id(source, data)
    person = _person_id(data)
    left_out: Counter[str] = Counter()
    boxes: dict[int, list[Box]] = {image_id: [] for image_id in names}
    for position, annotation in enumerate(data.annotations):
        which = annotation.id if annotation.id is not None else f"number {position}"
        place = f"{source}: annotation {which}"
        if annotation.image_id not in boxes:
            raise InputError(f"{place}: image id {annotation.image_id} is not among its images")
        if annotation.category_id != person:
            left_out["other category"] += 1
        elif annotation.iscrowd:
            left_out["crowd"] += 1
        elif annotation.bbox is None:
            left_out["no box"] += 1
        else:
            _add_box(boxes[annotation.image_id], annotation.bbox, 1.0, place, left_out)
    if not data.annotations:
        # An image list without labels, as of COCO's test sets: boxes come from the detector.
        return _tasks(source, root, names, None, left_out)
    return _tasks(source, root, names, boxes, left_out, labelled=True)


def _gather_detections(
    source: str, content: bytes, root: str, image_info: str | None, out: str | None
) -> Gathered:
    detections = _decode(source, content, list[_Detection], "detection list")
    if not detections:
        raise InputError(f"{source}: holds no detections")
    if image_info is not None:
        data = _decode(image_info, _read(image_info), _DataSet, "data set")
        known, person = _names_by_id(image_info, data), _person_id(data)
    else:
        known, person = _names_from_folder(root, out), PERSON_ID
    left_out: Counter[str] = Counter()
    boxes: dict[int, list[Box]] = {}
    unknown: dict[int, int] = {}
    for position, detection in enumerate(detections):
        if detection.category_id != person:
            left_out["other category"] += 1
        elif detection.image_id not in known:
            unknown[detection.image_id] = unknown.get(detection.image_id, 0) + 1
        else:
            mine = boxes.setdefault(detection.image_id, [])
            place = f"{source}: detection {position}"
            _add_box(mine, detection.bbox, detection.score, place, left_out)
    where = image_info or f"{root}/"
    if not boxes and unknown:
        raise InputError(
            f"{source}: none of its {len(unknown)} image ids is in {where};"
            " --images is the picture folder, --image-info a data set with ids and file names"
        )
    if not boxes:
        raise InputError(f"{source}: holds no person (category {person})")
    gathered = _tasks(source, root, {i: known[i] for i in boxes}, boxes, left_out)
    gathered.skipped += [
        Skipped(f"image id {i}", "unknown id", f"not in {where}; {count} boxes")
        for i, count in sorted(unknown.items())
    ]
    return gathered


def _person_id(data: _DataSet) -> int:
    return next((c.id for c in data.categories if c.name == PERSON), PERSON_ID)


def _names_by_id(source: str, data: _DataSet) -> dict[int, str]:
    names: dict[int, str] = {}
    for image in data.images:
        if image.id in names:
            raise InputError(f"{source}: image id {image.id} stands there twice")
        names[image.id] = image.file_name
    return names


def _names_from_folder(root: str, out: str | None) -> dict[int, str]:
    names = relative_names(find_pictures([root], out).pictures)
    return dict(zip(number_pictures(names), names, strict=True))


def _add_box(
    boxes: list[Box], bbox: list[float], score: float, place: str, left_out: Counter[str]
) -> None:
    x, y, width, height = bbox
    for name, value in (("x", x), ("y", y), ("width", width), ("height", height)):
        if abs(value) > LARGEST_COORDINATE or (value < 0 and name in ("width", "height")):
            raise InputError(
                f"{place}: bbox {name} is {value}; boxes are [x, y, width, height] in pixels"
            )
    if abs(score) > LARGEST_SCORE:
        raise InputError(f"{place}: score is {score}; scores go from 0 to 1")
    if min(width, height) < SMALLEST_SIDE:
        left_out["zero size"] += 1
    else:
        boxes.append(Box(x, y, width, height, score))


def _inside(root: str, file_name: str, source: str) -> tuple[str, str]:
    """A picture's path and its name below ``root``. Raises InputError if it is not below."""
    if is_remote(root):
        name = os.path.normpath(file_name).replace(os.sep, "/")
        path, inside = f"{root}/{name}", not name.startswith(("../", "/"))
    else:
        path = os.path.normpath(os.path.join(root, file_name))
        inside = path.startswith(root.rstrip(os.sep) + os.sep)
        name = os.path.relpath(path, root).replace(os.sep, "/")
    if not inside:
        raise InputError(f"{source}: file name {file_name} leads out of {root}/")
    return path, name


def _tasks(
    source: str,
    root: str,
    names: dict[int, str],
    boxes: dict[int, list[Box]] | None,
    left_out: Counter[str],
    labelled: bool = False,
) -> Gathered:
    gathered = Gathered([], left_out=left_out)
    for image_id in sorted(names):
        path, name = _inside(root, names[image_id], source)
        own = None if boxes is None else tuple(boxes[image_id])
        gathered.tasks.append(Task(image_id, path, name, own, labelled))
    return gathered
