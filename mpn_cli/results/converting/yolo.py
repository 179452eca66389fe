"""YOLO-pose labels (docs.ultralytics.com/datasets/pose): a text file per picture, and data.yaml.

A line is a person: class, box centre and size, then x, y, v of each joint, all lengths as shares
of the picture's. Ultralytics refuses all labels of a picture if one number is outside of 0..1:
boxes are cut at the picture's edges, and joints outside of it are written as not labelled.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from mpn_cli.base.choices import Pictures
from mpn_cli.results.converting.folders import NewFolder, whole_folder
from mpn_cli.results.converting.labelled import (
    Conversion,
    JointSet,
    Labelled,
    LabelledPicture,
    PictureSize,
)
from mpn_cli.results.converting.names import without_suffix


def write_yolo(out: Path, pictures: Iterable[LabelledPicture], conversion: Conversion) -> None:
    """Labels in ``labels/``, pictures in ``images/``, and data.yaml."""
    kind = conversion.only_joint_set("YOLO-pose")
    with whole_folder(out) as folder:
        for picture in pictures:
            # Ultralytics finds a picture's labels by exchanging the last images/ of its path.
            place = "/".join(
                f"{part}_" if part == "images" else part for part in picture.place.split("/")
            )
            size = picture.known_size("YOLO-pose")
            rows = [_row(person, size) for person in picture.people]
            conversion.left_out["people without a box inside of the picture"] += rows.count("")
            content = "".join(row for row in rows).encode()
            folder.add(f"labels/{without_suffix(place)}.txt", content, picture.file_name)
            _add_picture(folder, f"images/{place}", picture, conversion)
        folder.add("data.yaml", _data_yaml(kind).encode())


def _add_picture(
    folder: NewFolder, place: str, picture: LabelledPicture, conversion: Conversion
) -> None:
    if conversion.pictures is Pictures.NONE:
        return
    if picture.file is None:
        conversion.left_out["pictures that were not found"] += 1
    elif conversion.pictures is Pictures.LINK:
        folder.link(place, picture.file)
    else:
        folder.copy(place, picture.file)


def _row(person: Labelled, size: PictureSize) -> str:
    """A person's line; empty if no part of the box is in the picture."""
    if person.extent is None:
        return ""
    width, height = size
    x, y, wide, high = person.extent
    left, right = max(x, 0), min(x + wide, width)
    top, bottom = max(y, 0), min(y + high, height)
    if left >= right or top >= bottom:
        return ""
    numbers = [
        (left + right) / 2 / width,
        (top + bottom) / 2 / height,
        (right - left) / width,
        (bottom - top) / height,
    ]
    words = ["0", *map(_share, numbers)]
    for joint in person.joints:
        inside = 0 <= joint.x <= width and 0 <= joint.y <= height
        if joint.visibility and inside:
            words += [_share(joint.x / width), _share(joint.y / height), str(joint.visibility)]
        else:
            words += ["0", "0", "0"]
    return " ".join(words) + "\n"


def _share(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _data_yaml(kind: JointSet) -> str:
    """The data set's description; JSON's values are YAML's."""
    lines = [
        "# Written by mpn convert; one split for both, to be divided as needed.",
        "train: images",
        "val: images",
        f"kpt_shape: [{len(kind.names)}, 3]",
    ]
    if kind.mirrors is not None:  # without it Ultralytics leaves mirroring out
        lines.append(f"flip_idx: {list(kind.mirrors)}")
    names = json.dumps(list(kind.names), ensure_ascii=False)
    lines += ["names:", f"  0: {json.dumps(kind.category, ensure_ascii=False)}"]
    lines += ["kpt_names:", f"  0: {names}"]
    return "\n".join(lines) + "\n"
