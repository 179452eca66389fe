"""Labelled people from COCO keypoint data sets, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from mpn_cli.arrays import BoolArray, Float32Array, Float64Array, IntArray
from mpn_cli.training.data_sets import TrainingDataError, find_pictures, held_out, read_data_set


class _Picture(msgspec.Struct):
    id: int
    file_name: str


class _Person(msgspec.Struct):
    id: int
    image_id: int
    keypoints: list[float] = []
    bbox: list[float] = []
    iscrowd: int = 0
    keypoint_confidences: list[float] | None = None


class _DataSet(msgspec.Struct):
    images: list[_Picture]
    annotations: list[_Person]


@dataclass(frozen=True, slots=True)
class People:
    """N labelled people of one data set."""

    source: Path
    pictures: tuple[Path, ...]
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
            self.source, self.pictures, self.digest, self.picture_ids[rows],
            self.picture_rows[rows], self.boxes[rows], self.keypoints[rows], self.weights[rows],
        )  # fmt: skip


def load_people(source: Path, joints: int) -> People:
    """Everyone with a box and a labelled joint in a COCO keypoint data set.

    source: the JSON file, or a folder holding ``person_keypoints.json``; pictures are looked for
    in ``images/`` beside the file, else beside the file itself. Raises TrainingDataError with
    one line for a file that is none, people without pictures, or another number of joints.
    """
    file, digest, data = read_data_set(source, _DataSet)
    people = [p for p in data.annotations if not p.iscrowd and any(p.keypoints[2::3]) and p.bbox]
    if not people:
        raise TrainingDataError(f"{file}: nobody with a box and a labelled joint")
    used = sorted({person.image_id for person in people})
    for person in people:
        if len(person.keypoints) != 3 * joints:
            raise TrainingDataError(
                f"{file}: annotation {person.id} has {len(person.keypoints) / 3:g} joints,"
                f" the network {joints}"
            )
        if len(person.bbox) != 4:
            raise TrainingDataError(
                f"{file}: annotation {person.id}: bbox has {len(person.bbox)} numbers; boxes are"
                " [x, y, width, height] in pixels"
            )
        confidences = person.keypoint_confidences
        if confidences is not None and len(confidences) != joints:
            raise TrainingDataError(
                f"{file}: annotation {person.id} has {len(confidences)} keypoint confidences, the"
                f" network {joints} joints"
            )
    pictures = find_pictures(file, {p.id: p.file_name for p in data.images}, used)
    rows = {picture_id: row for row, picture_id in enumerate(used)}
    labels = np.array([p.keypoints for p in people], dtype=np.float64).reshape(-1, joints, 3)
    weights = (labels[:, :, 2] > 0).astype(np.float32)
    for row, person in enumerate(people):
        if person.keypoint_confidences is not None:
            weights[row] *= np.asarray(person.keypoint_confidences, dtype=np.float32)
    return People(
        source=source,
        pictures=pictures,
        digest=digest,
        picture_ids=np.array([p.image_id for p in people], dtype=np.int64),
        picture_rows=np.array([rows[p.image_id] for p in people], dtype=np.int64),
        boxes=np.array([p.bbox for p in people], dtype=np.float64),
        keypoints=labels[:, :, :2] * (labels[:, :, 2:] > 0),
        weights=weights,
    )


def split_by_picture(people: People, every: int) -> tuple[People, People]:
    """(training, validation): every ``every``-th picture, by a hash of its name, validates."""
    validates = held_out(people.pictures, every)[people.picture_rows]
    return people.where(~validates), people.where(validates)
