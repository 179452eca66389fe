"""Labels for joints that nobody labelled, from poses that a network found there.

For data sets in which visibility 0 means "not labelled", and not "not in the picture".
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from mpn_cli.base.arrays import FloatArray
from mpn_cli.base.errors import InputError
from mpn_cli.base.files import unfinished_file
from mpn_cli.formats.coco import Id, Person, PoseDataSet
from mpn_cli.formats.pose_results import read_results
from mpn_cli.training.data_sets import (
    find_pictures,
    read_data_set,
)
from mpn_cli.training.pose.people import joint_order

LEAST_CONFIDENCE = 0.5
"""A found joint becomes a label from this confidence on."""

_BoxKey = tuple[Id, tuple[float, ...]]
"""A picture's id and a box in it, to two decimals as results are written."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What was added to a data set."""

    people: int
    """All annotations of the data set."""
    found: int
    """Those for whose boxes the predictions have a pose."""
    joints: int
    """Joints that became labels."""


def label(data: Path, predictions: Path, out: Path, least: float = LEAST_CONFIDENCE) -> Labelled:
    """Write a data set with more labels to ``out``; its pictures stay where they are.

    data: a COCO keypoint data set; predictions: what ``mpn annotate`` found for its people.
    Joints with visibility 0 take the found position where its confidence is at least ``least``,
    and that confidence as their weight in the loss; labelled joints stay as they are. Raises
    InputError where a file can't be used, or ``out`` is there already.
    """
    if os.path.lexists(out):
        raise InputError(f"--out {out} is there already; give another file")
    if not out.parent.is_dir():
        raise InputError(f"--out {out}: there is no folder {out.parent}/")
    file, _, labels = read_data_set(data, PoseDataSet)
    # As it stands there: fields that mpn does not know are kept.
    _, _, content = read_data_set(data, dict[str, Any])
    pictures = find_pictures(file, labels.images, [image.id for image in labels.images])
    for image, picture in zip(content["images"], pictures, strict=True):
        image["file_name"] = str(picture.path.absolute())
    results = read_results(predictions)
    poses = {
        _key(picture, box): keypoints
        for picture, box, keypoints in zip(
            results.image_ids, results.boxes, results.keypoints, strict=True
        )
        if box
    }
    people = labels.annotations or []
    found = joints = 0
    for row, person in enumerate(people):
        pose = poses.get(_key(person.image_id, person.bbox)) if person.bbox else None
        if pose is None or not person.keypoints or person.iscrowd:
            continue
        found += 1
        added = _add(file, person, pose, labels, least)
        if added:
            joints += added
            content["annotations"][row] |= {
                name: getattr(person, name)
                for name in ("keypoints", "keypoint_confidences", "num_keypoints")
            }
    if not found:
        raise InputError(
            f"{predictions}: no pose in a box of {file}; predictions are made by mpn annotate"
            f" {file}"
        )
    with unfinished_file(out) as unfinished:
        unfinished.write_bytes(msgspec.json.encode(content))
    return Labelled(len(people), found, joints)


def _key(picture: Id, box: list[float]) -> _BoxKey:
    return picture, tuple(np.round(box, 2).tolist())


def _add(file: Path, person: Person, found: FloatArray, labels: PoseDataSet, least: float) -> int:
    """Fill a person's unlabelled joints of a pose (K, 3), in place; how many were filled."""
    seen = _joints(person.keypoints or [])
    if seen.shape != found.shape:
        raise InputError(
            f"{file}: annotation {person.id} has {len(seen)} joints, its prediction {len(found)}"
        )
    # Predictions are in the network's order, the labels perhaps in another.
    order = list(joint_order(labels.categories or [], {person.category_id}, len(found)))
    here = np.empty_like(found)
    here[order] = found
    weights = np.array(
        (seen[:, 2] > 0) if person.keypoint_confidences is None else person.keypoint_confidences,
        dtype=np.float64,
    )
    if len(weights) != len(seen):
        raise InputError(
            f"{file}: annotation {person.id} has {len(weights)} keypoint_confidences for"
            f" {len(seen)} joints"
        )
    filled = (seen[:, 2] == 0) & (here[:, 2] >= least)
    seen[filled] = np.column_stack([here[filled, :2], np.ones(filled.sum())])
    weights[filled] = here[filled, 2]
    person.keypoints = seen.ravel().tolist()
    person.keypoint_confidences = weights.tolist()
    person.num_keypoints = person.labelled
    return int(filled.sum())


def _joints(keypoints: list[float]) -> FloatArray:
    """(K, 3) of a flat list; a length that is no multiple of 3 gives (0, 3)."""
    whole = keypoints if len(keypoints) % 3 == 0 else []
    return np.array(whole, dtype=np.float64).reshape(-1, 3)
