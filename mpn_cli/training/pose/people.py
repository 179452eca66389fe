"""Labelled people from COCO keypoint data sets, as arrays."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mpn_cli.base.arrays import BoolArray, Float32Array, Float64Array, IntArray
from mpn_cli.base.skeletons import SKELETONS, plain_name
from mpn_cli.formats.coco import Category, Id, Person, PoseDataSet, numbered
from mpn_cli.training.data_sets import (
    PictureFile,
    TrainingDataError,
    find_pictures,
    held_out,
    people_of,
    read_data_set,
)


@dataclass(frozen=True, slots=True)
class People:
    """N labelled people of one data set."""

    source: Path
    pictures: tuple[PictureFile, ...]
    digest: str
    """Of the label file: what caches are keyed by."""
    picture_ids: IntArray
    """(N,) ids of the data set's pictures."""
    picture_rows: IntArray
    """(N,) rows of ``pictures``."""
    boxes: Float64Array
    """(N, 4) x, y, width, height, pixels."""
    keypoints: Float64Array
    """(N, K, 2) pixels; 0 where unlabelled."""
    weights: Float32Array
    """(N, K) how much each joint counts in the loss; 0 where unlabelled."""

    def __len__(self) -> int:
        return len(self.boxes)

    def where(self, rows: BoolArray) -> People:
        """The people of some rows."""
        return People(
            self.source,
            self.pictures,
            self.digest,
            self.picture_ids[rows],
            self.picture_rows[rows],
            self.boxes[rows],
            self.keypoints[rows],
            self.weights[rows],
        )


def load_people(source: Path, joints: int) -> People:
    """Everyone with a box and a labelled joint in a COCO keypoint data set.

    source: the JSON file, or a folder holding ``person_keypoints.json``; pictures are looked for
    in ``images/`` beside the file, else beside the file itself. Raises TrainingDataError with
    one line for a file that is none, people without pictures, or another number of joints.
    """
    file, digest, data = read_data_set(source, PoseDataSet)
    labelled = [p for p in data.annotations or [] if not p.iscrowd and p.labelled and p.bbox]
    persons = people_of(file, data.categories, {p.category_id for p in labelled})
    people = [p for p in labelled if p.category_id in persons]
    if not people:
        raise TrainingDataError(f"{file}: nobody with a box and a labelled joint")
    for person in people:
        _check(file, person, joints)
    used = sorted({person.image_id for person in people}, key=_order)
    pictures = find_pictures(file, data.images, used)
    rows = {picture_id: row for row, picture_id in enumerate(used)}
    ids = numbered(used)
    labels = np.array([p.keypoints for p in people], dtype=np.float64).reshape(-1, joints, 3)
    weights = (labels[:, :, 2] > 0).astype(np.float32)
    for row, person in enumerate(people):
        if person.keypoint_confidences is not None:
            weights[row] *= np.asarray(person.keypoint_confidences, dtype=np.float32)
    order = joint_order(data.categories or [], persons, joints)
    labels, weights = labels[:, order], weights[:, order]
    return People(
        source=source,
        pictures=pictures,
        digest=digest,
        picture_ids=np.array([ids[p.image_id] for p in people], dtype=np.int64),
        picture_rows=np.array([rows[p.image_id] for p in people], dtype=np.int64),
        boxes=np.array([p.bbox for p in people], dtype=np.float64),
        keypoints=labels[:, :, :2] * (labels[:, :, 2:] > 0),
        weights=weights,
    )


def _check(file: Path, person: Person, joints: int) -> None:
    keypoints, box = person.keypoints or [], person.bbox or []
    if len(keypoints) != 3 * joints:
        raise TrainingDataError(
            f"{file}: annotation {person.id} has {len(keypoints) / 3:g} joints, the network"
            f" {joints}"
        )
    if len(box) != 4 or min(box[2:]) <= 0:
        raise TrainingDataError(
            f"{file}: annotation {person.id} has the box {box}; boxes are [x, y, width, height] in"
            " pixels"
        )
    confidences = person.keypoint_confidences
    if confidences is not None and len(confidences) != joints:
        raise TrainingDataError(
            f"{file}: annotation {person.id} has {len(confidences)} keypoint_confidences for"
            f" {joints} joints"
        )


def _order(one: Id) -> tuple[bool, Id]:
    return isinstance(one, str), one


def joint_order(
    categories: Sequence[Category], persons: Collection[Id], joints: int
) -> Sequence[int]:
    """Where each of the network's joints stands in the labels: by name, where all are named."""
    if joints not in SKELETONS:
        return range(joints)
    wanted = [plain_name(name) for name in SKELETONS[joints].keypoints]
    for category in categories:
        names = [plain_name(name) for name in category.joints]
        if category.id in persons and sorted(names) == sorted(wanted):
            return [names.index(name) for name in wanted]
    return range(joints)


def labelled_person(
    number: int,
    picture: Id,
    box: Float64Array,
    keypoints: Float64Array,
    weights: Float32Array,
    area: float,
) -> Person:
    """An annotation of somebody in a COCO file.

    box: (4,) x, y, width, height, pixels; keypoints: (K, 2) pixels; weights: (K,), 0 where
    unlabelled; area: pixels squared.
    """
    seen = weights > 0
    return Person(
        image_id=picture,
        id=number,
        bbox=box.tolist(),
        iscrowd=0,
        area=area,
        num_keypoints=int(seen.sum()),
        keypoints=np.column_stack([keypoints, 2 * seen]).ravel().tolist(),
        keypoint_confidences=weights.astype(float).round(3).tolist(),
    )


def split_by_picture(people: People, every: int) -> tuple[People, People]:
    """(training, validation): every ``every``-th picture, by a hash of its name, validates."""
    validates = held_out(people.source, people.pictures, every)[people.picture_rows]
    return people.where(~validates), people.where(validates)
