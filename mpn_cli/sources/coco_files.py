"""COCO data sets and detection lists; errors name the file and the entry at fault."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from mpn_cli.base.errors import InputError
from mpn_cli.formats.coco import (
    HINT,
    BoxDataSet,
    Detection,
    Id,
    Image,
    ImageList,
    number_of,
    numbered,
    person_categories,
    read_data_set,
)
from mpn_cli.formats.files import decode_json, read_content
from mpn_cli.formats.pictures import PictureFinder, PictureNames, is_below
from mpn_cli.sources.remote import is_remote
from mpn_cli.sources.tasks import Box, Gathered, Skipped, Task
from mpn_cli.sources.walk import find_pictures, number_pictures, relative_names

SMALLEST_SIDE = 0.01
"""Smallest side of a box, pixels: results are rounded to hundredths of a pixel."""

LARGEST_COORDINATE = 1e6
"""Largest coordinate accepted, pixels."""

LARGEST_SCORE = 1e6
"""Scores may be 0 to 1, percent or logits; with larger ones, products would overflow."""


def gather_coco(
    source: str,
    images: str | None,
    image_info: str | None,
    person_category: str | None = None,
    out: str | None = None,
) -> Gathered:
    """Tasks from a COCO data set or detection list.

    source: the JSON file; images: the picture folder (default: ``images/`` beside the file, else
    its folder); image_info: for detection lists, a data set that gives ids their file names
    (default: a picture called 139.jpg or 000000000139.jpg is id 139); person_category: the name or
    id of the category that people have (default: the one called person); out: the
    results folder, which is left out of the picture folder. Raises InputError.
    """
    content = read_content(Path(source))
    places = _places(source, images)
    if content.lstrip()[:1] == b"[":
        return _gather_detections(source, content, places, image_info, person_category, out)
    return _gather_data_set(source, content, places, person_category)


def _places(source: str, images: str | None) -> PictureFinder:
    if images is None:
        return PictureFinder.beside(source)
    if is_remote(images):
        return PictureFinder([images.rstrip("/")])
    if not os.path.isdir(images):
        raise InputError(f"--images {images}: no such folder")
    return PictureFinder([os.path.abspath(images)])


def _gather_data_set(
    source: str, content: bytes, places: PictureFinder, person_category: str | None
) -> Gathered:
    data = decode_json(content, BoxDataSet, f"{source}: not a COCO data set", source)
    if not data.images:
        raise InputError(f"{source}: its images list is empty")
    annotations = data.annotations or []
    pictures, numbers = _pictures_by_id(source, data.images)
    left_out: Counter[str] = Counter()
    if not annotations:
        # An image list without labels, as of COCO's test sets: boxes come from the detector.
        return _tasks(source, places, pictures, None, left_out)
    used = (one.category_id for one in annotations)
    person = person_categories(source, data.categories, used, person_category)
    boxes: dict[int, list[Box]] = {image_id: [] for image_id in pictures}
    for position, annotation in enumerate(annotations):
        which = annotation.id if annotation.id is not None else f"number {position}"
        place = f"{source}: annotation {which}"
        number = number_of(numbers, annotation.image_id)
        if number is None:
            raise InputError(f"{place}: image id {annotation.image_id} is not among its images")
        if annotation.category_id not in person:
            left_out["other category"] += 1
        elif annotation.iscrowd:
            left_out["crowd"] += 1
        else:
            _add_box(boxes[number], annotation.bbox, 1.0, place, left_out)
    return _tasks(source, places, pictures, boxes, left_out, labelled=True)


def _gather_detections(
    source: str,
    content: bytes,
    places: PictureFinder,
    image_info: str | None,
    person_category: str | None,
    out: str | None,
) -> Gathered:
    complaint = f"{source}: not a COCO detection list"
    detections = decode_json(content, list[Detection], complaint, source)
    if not detections:
        raise InputError(f"{source}: holds no detections")
    used = {one.category_id for one in detections}
    if image_info is not None:
        data = read_data_set(Path(image_info), ImageList)
        pictures, numbers = _pictures_by_id(image_info, data.images)
        person = person_categories(image_info, data.categories, used, person_category)
    else:
        if 0 in used and person_category is None:
            raise InputError(
                f"{source}: has category 0, so that its numbers are not COCO's, where 1 is the"
                f" person. {HINT}; or --image-info names the categories"
            )
        pictures = {n: Image(n, name) for n, name in _names_from_folder(places.roots, out).items()}
        numbers = {n: n for n in pictures}
        person = person_categories(source, None, used, person_category)
    names = PictureNames({number: one.name for number, one in pictures.items()})
    left_out: Counter[str] = Counter()
    boxes: dict[int, list[Box]] = {}
    unknown: Counter[Id] = Counter()
    for position, detection in enumerate(detections):
        if detection.category_id not in person:
            left_out["other category"] += 1
            continue
        number = number_of(numbers, detection.image_id)
        if number is None and isinstance(detection.image_id, str):
            # Ultralytics writes the file's name without its ending where it is no number.
            alike = names.find(detection.image_id)
            number = alike[0] if len(alike) == 1 else None
            if number is not None:
                numbers[detection.image_id] = number
        if number is None:
            unknown[detection.image_id] += 1
        else:
            mine = boxes.setdefault(number, [])
            place = f"{source}: detection {position}"
            _add_box(mine, detection.bbox, detection.score, place, left_out)
    where = image_info or f"{places.roots[0]}/"
    if not boxes and unknown:
        raise InputError(
            f"{source}: none of its {len(unknown)} image ids is in {where};"
            " --images is the picture folder, --image-info a data set with ids and file names"
        )
    if not boxes:
        wanted = ", ".join(sorted(set(map(str, person))))
        raise InputError(f"{source}: holds no person (category {wanted})")
    if not any(boxes.values()) and left_out["no box"]:
        raise InputError(f"{source}: none of its people has a bbox")
    gathered = _tasks(source, places, {i: pictures[i] for i in boxes}, boxes, left_out)
    gathered.skipped += [
        Skipped(f"image id {i}", "unknown id", f"not in {where}; {count} boxes")
        for i, count in sorted(unknown.items(), key=lambda one: (isinstance(one[0], str), one[0]))
    ]
    return gathered


def _pictures_by_id(source: str, images: list[Image]) -> tuple[dict[int, Image], dict[Id, int]]:
    """Pictures by number, and the number of each id: the id itself but where ids are texts."""
    ids = [image.id for image in images]
    if len(set(ids)) < len(ids):
        twice = next(one for one, count in Counter(ids).items() if count > 1)
        raise InputError(f"{source}: image id {twice} is there twice")
    for image in images:
        if not image.name:
            raise InputError(f"{source}: image id {image.id} has no file_name")
    numbers: dict[Id, int] = {one: one for one in ids if isinstance(one, int)}
    if len(numbers) < len(ids):
        numbers = numbered(ids)
    return {numbers[image.id]: image for image in images}, numbers


def _names_from_folder(roots: list[str], out: str | None) -> dict[int, str]:
    names = relative_names(find_pictures(roots[:1], out).pictures)
    return dict(zip(number_pictures(names), names, strict=True))


def _add_box(
    boxes: list[Box],
    bbox: list[float] | None,
    score: float,
    place: str,
    left_out: Counter[str],
) -> None:
    if not bbox:
        left_out["no box"] += 1
        return
    if len(bbox) != 4:
        raise InputError(f"{place}: bbox has {len(bbox)} numbers, not 4: [x, y, width, height]")
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


def _place(places: PictureFinder, file_name: str, source: str) -> tuple[str, str]:
    """A picture's path and its name below its folder, whether it is there or not.

    Raises InputError for a name that leads out of the folder.
    """
    root = places.roots[0]
    if is_remote(root):
        name = os.path.normpath(file_name).replace(os.sep, "/")
        if not name.startswith(("../", "/")):
            return f"{root}/{name}", name
    elif (found := places.find(file_name)) is not None:
        return found
    else:
        path = os.path.normpath(os.path.join(root, file_name))
        if is_below(root, path):
            return path, os.path.relpath(path, root).replace(os.sep, "/")
    raise InputError(f"{source}: file name {file_name} leads out of {root}/")


def _tasks(
    source: str,
    places: PictureFinder,
    pictures: dict[int, Image],
    boxes: dict[int, list[Box]] | None,
    left_out: Counter[str],
    *,
    labelled: bool = False,
) -> Gathered:
    gathered = Gathered([], left_out=left_out)
    for image_id in sorted(pictures):
        image = pictures[image_id]
        path, name = _place(places, image.name, source)
        own = None if boxes is None else tuple(boxes[image_id])
        size = None if boxes is None else image.size
        gathered.tasks.append(Task(image_id, path, name, own, labelled, size=size))
    return gathered
