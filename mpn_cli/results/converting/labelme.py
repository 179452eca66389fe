"""LabelMe (github.com/wkentaro/labelme): a JSON file per picture.

A person is a group: a rectangle with the category's name, and a point for each joint that has a
position, labelled with the joint's name, all with one ``group_id``. ``flags.occluded`` is COCO's
visibility 1. ``score`` is no field of LabelMe's own, which keeps it; X-AnyLabeling shows it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from mpn_cli.base.text import printable
from mpn_cli.results.converting.folders import whole_folder
from mpn_cli.results.converting.labelled import Conversion, Labelled, LabelledPicture
from mpn_cli.results.converting.names import without_suffix

_VERSION = "5.5.0"
"""The version of LabelMe whose format this is."""


def write_labelme(out: Path, pictures: Iterable[LabelledPicture], conversion: Conversion) -> None:
    """A folder of JSON files; ``imagePath`` leads from each file to its picture."""
    with whole_folder(out) as folder:
        for picture in pictures:
            width, height = picture.known_size("LabelMe")
            place = f"{without_suffix(picture.place)}.json"
            shapes = [
                shape
                for number, person in enumerate(picture.people, 1)
                for shape in _shapes(person, number)
            ]
            content: dict[str, Any] = {
                "version": _VERSION,
                "flags": {},
                "shapes": shapes,
                "imagePath": _image_path(picture, conversion.out / place),
                "imageData": None,
                "imageHeight": height,
                "imageWidth": width,
            }
            encoded = msgspec.json.format(msgspec.json.encode(content))
            folder.add(place, encoded + b"\n", picture.file_name)


def _image_path(picture: LabelledPicture, file: Path) -> str:
    if picture.file is None:
        return picture.place
    return printable(os.path.relpath(picture.file, os.path.abspath(file.parent)))


def _shapes(person: Labelled, number: int) -> Iterator[dict[str, Any]]:
    if person.box is not None:
        x, y, width, height = person.box
        corners = [[x, y], [round(x + width, 6), round(y + height, 6)]]
        yield _shape(person.joint_set.category, corners, "rectangle", number, person.score)
    for name, joint in zip(person.joint_set.names, person.joints, strict=True):
        if joint.visibility:
            flags = {"occluded": joint.visibility == 1}
            point = [[joint.x, joint.y]]
            yield _shape(name, point, "point", number, joint.confidence, flags)


def _shape(
    label: str,
    points: list[list[float]],
    kind: str,
    number: int,
    score: float | None,
    flags: dict[str, bool] | None = None,
) -> dict[str, Any]:
    shape = {
        "label": label,
        "points": points,
        "group_id": number,
        "description": "",
        "shape_type": kind,
        "flags": flags or {},
        "mask": None,
    }
    return shape if score is None else shape | {"score": score}
