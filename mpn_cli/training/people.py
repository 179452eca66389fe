"""Labelled people from COCO keypoint data sets, as arrays."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from mpn_cli.arrays import BoolArray, Float32Array, Float64Array, IntArray


class TrainingDataError(ValueError):
    """A data set that can't be trained on; the message says where and why."""


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
    file = source / "person_keypoints.json" if source.is_dir() else source
    try:
        content = file.read_bytes()
    except OSError as error:
        raise TrainingDataError(f"{file}: {error.strerror}") from error
    try:
        data = msgspec.json.decode(content, type=_DataSet)
    except msgspec.DecodeError as error:
        raise TrainingDataError(f"{file}: not a COCO keypoint data set: {error}") from error
    people = [p for p in data.annotations if not p.iscrowd and any(p.keypoints[2::3]) and p.bbox]
    if not people:
        raise TrainingDataError(f"{file}: nobody with a box and a labelled joint")
    root = file.parent / "images" if (file.parent / "images").is_dir() else file.parent
    names = {picture.id: picture.file_name for picture in data.images}
    used = sorted({person.image_id for person in people})
    for person in people:
        if len(person.keypoints) != 3 * joints:
            raise TrainingDataError(
                f"{file}: annotation {person.id} has {len(person.keypoints) / 3:g} joints,"
                f" the network {joints}"
            )
    missing = [i for i in used if i not in names or not (root / names[i]).is_file()]
    if missing:
        first = names.get(missing[0], f"image id {missing[0]}")
        raise TrainingDataError(
            f"{file}: {len(missing)} of {len(used)} pictures are not in {root}/ (first: {first})"
        )
    rows = {picture_id: row for row, picture_id in enumerate(used)}
    labels = np.array([p.keypoints for p in people], dtype=np.float64).reshape(-1, joints, 3)
    weights = (labels[:, :, 2] > 0).astype(np.float32)
    for row, person in enumerate(people):
        if person.keypoint_confidences is not None:
            weights[row] *= np.asarray(person.keypoint_confidences, dtype=np.float32)
    return People(
        source=source,
        pictures=tuple(root / names[i] for i in used),
        digest=hashlib.sha256(content).hexdigest()[:16],
        picture_ids=np.array([p.image_id for p in people], dtype=np.int64),
        picture_rows=np.array([rows[p.image_id] for p in people], dtype=np.int64),
        boxes=np.array([p.bbox for p in people], dtype=np.float64),
        keypoints=labels[:, :, :2] * (labels[:, :, 2:] > 0),
        weights=weights,
    )


def split_by_picture(people: People, every: int) -> tuple[People, People]:
    """(training, validation): every ``every``-th picture, by a hash of its name, validates."""
    held_out = np.array(
        [int(hashlib.sha256(p.name.encode()).hexdigest()[:8], 16) % every == 0
         for p in people.pictures]
    )[people.picture_rows]  # fmt: skip
    return people.where(~held_out), people.where(held_out)
