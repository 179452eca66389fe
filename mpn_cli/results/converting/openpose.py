"""OpenPose's JSON output (its doc/02_output.md): a file per picture, people as BODY_25.

Joints are matched by name. The neck and the middle of the hips, which OpenPose adds, are the means
of their two joints, with the lower of the two confidences; feet are not known.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import plain_name
from mpn_cli.results.converting.folders import whole_folder
from mpn_cli.results.converting.labelled import (
    Conversion,
    Joint,
    JointSet,
    Labelled,
    LabelledPicture,
)
from mpn_cli.results.converting.names import without_suffix

BODY_25: tuple[tuple[str, ...], ...] = (
    ("nose",),
    ("left_shoulder", "right_shoulder"),
    ("right_shoulder",), ("right_elbow",), ("right_wrist",),
    ("left_shoulder",), ("left_elbow",), ("left_wrist",),
    ("left_hip", "right_hip"),
    ("right_hip",), ("right_knee",), ("right_ankle",),
    ("left_hip",), ("left_knee",), ("left_ankle",),
    ("right_eye",), ("left_eye",), ("right_ear",), ("left_ear",),
    ("left_big_toe",), ("left_small_toe",), ("left_heel",),
    ("right_big_toe",), ("right_small_toe",), ("right_heel",),
)  # fmt: skip
"""OpenPose's 25 points, each by the joints whose mean it is."""

_VERSION = 1.3
_EMPTY = (
    "face_keypoints_2d",
    "hand_left_keypoints_2d",
    "hand_right_keypoints_2d",
    "pose_keypoints_3d",
    "face_keypoints_3d",
    "hand_left_keypoints_3d",
    "hand_right_keypoints_3d",
)


def write_openpose(out: Path, pictures: Iterable[LabelledPicture], conversion: Conversion) -> None:
    """A folder of files called ``PICTURE_keypoints.json``."""
    sources = {kind: _sources(kind) for kind in conversion.joint_sets}
    with whole_folder(out) as folder:
        for picture in pictures:
            people = [_person(one, sources[one.joint_set]) for one in picture.people if one.seen]
            conversion.left_out["people without joints"] += len(picture.people) - len(people)
            content = msgspec.json.encode({"version": _VERSION, "people": people})
            place = f"{without_suffix(picture.place)}_keypoints.json"
            folder.add(place, content + b"\n", picture.file_name)


def _sources(kind: JointSet) -> list[list[int]]:
    """For each of the 25 points the indices of its joints; none where one is missing.

    Raises InputError where not one is found.
    """
    names = {plain_name(name): number for number, name in enumerate(kind.names)}
    found = [[names.get(plain_name(name), -1) for name in point] for point in BODY_25]
    sources = [[] if -1 in joints else joints for joints in found]
    if not any(sources):
        raise InputError(
            f"OpenPose's joints are nose, left_shoulder ...; {kind.category} has none of them"
            f" ({', '.join(kind.names[:4])} ...)"
        )
    return sources


def _person(person: Labelled, sources: list[list[int]]) -> dict[str, object]:
    flat: list[float] = []
    for joints in sources:
        flat += _point([person.joints[joint] for joint in joints])
    track = -1 if person.track_id is None else person.track_id
    return {"person_id": [track], "pose_keypoints_2d": flat, **{name: [] for name in _EMPTY}}


def _point(joints: list[Joint]) -> list[float]:
    """x, y, confidence; zeros where a joint is not known. Labelled joints have confidence 1."""
    if not joints or not all(joint.visibility for joint in joints):
        return [0, 0, 0]
    x = sum(joint.x for joint in joints) / len(joints)
    y = sum(joint.y for joint in joints) / len(joints)
    sure = min(1.0 if joint.confidence is None else joint.confidence for joint in joints)
    return [round(x, 3), round(y, 3), sure]
