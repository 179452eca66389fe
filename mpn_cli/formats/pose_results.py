"""COCO keypoint results (cocodataset.org/#format-results), read into columns.

A file of 100,000 poses holds five million numbers: each pose is put into its row of an array as
soon as it is decoded, so that the numbers never exist as Python objects all at once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from mpn_cli.base.arrays import Float64Array, FloatArray
from mpn_cli.base.errors import InputError
from mpn_cli.formats.coco import PERSON_ID, Id, Number
from mpn_cli.formats.files import decode_json, read_content

_WHAT = "a list of COCO keypoint results"


class Result(msgspec.Struct, gc=False):
    """A pose of a results file."""

    image_id: Id
    keypoints: list[Number]
    """x, y in pixels and confidence of each joint, flat."""
    score: Number
    category_id: Id = PERSON_ID
    bbox: list[Number] | None = None
    area: Number | None = None
    file_name: str | None = None
    """Ultralytics names the picture."""


_decode = msgspec.json.Decoder(Result).decode


@dataclass(frozen=True, eq=False)
class PoseResults:
    """N poses of K joints; row n is the file's result n."""

    image_ids: list[Id]
    category_ids: list[Id]
    keypoints: Float64Array
    """(N, K, 3): x, y in pixels, confidence."""
    scores: Float64Array
    """(N,)."""
    boxes: list[list[float] | None]
    """x, y, width, height, pixels, where the file has them."""
    areas: list[float | None]
    """Pixels squared, where the file has them."""
    file_names: dict[Id, str]
    """Names that the file gives its pictures, by image id."""

    def __len__(self) -> int:
        return len(self.image_ids)

    @property
    def boxed(self) -> bool:
        """Whether all have a whole box."""
        return all(box is not None and len(box) == 4 for box in self.boxes)


def read_results(file: Path, joints: int | None = None, whose: str = "the first") -> PoseResults:
    """COCO keypoint results. Raises InputError.

    joints: how many each must have, as many as the first where None; whose: who has so many, for
    the message.
    """
    content = read_content(file)
    try:
        rows = msgspec.json.decode(content, type=list[msgspec.Raw])
        return _columns(file, map(_decode, rows), len(rows), joints, whose)
    except (msgspec.DecodeError, RecursionError):
        # Numbers written as texts, NaN, or a mistake: read in a way that is slower and knows them.
        results = decode_json(content, list[Result], f"{file}: not {_WHAT}", str(file))
        return _columns(file, results, len(results), joints, whose)


def _columns(
    file: Path, results: Iterable[Result], count: int, joints: int | None, whose: str
) -> PoseResults:
    image_ids: list[Id] = []
    category_ids: list[Id] = []
    scores: list[float] = []
    boxes: list[list[float] | None] = []
    areas: list[float | None] = []
    file_names: dict[Id, str] = {}
    numbers = None if joints is None else 3 * joints
    rows = bytearray()
    for row, one in enumerate(results):
        if numbers is None:
            numbers = len(one.keypoints) // 3 * 3
        if len(one.keypoints) != numbers:
            raise InputError(
                f"{file}: result {row} has {len(one.keypoints) / 3:g} joints, {whose}"
                f" {numbers // 3}"
            )
        if not row:
            packed = struct.Struct(f"{numbers}d")
            rows = bytearray(count * packed.size)
        packed.pack_into(rows, row * packed.size, *one.keypoints)
        image_ids.append(one.image_id)
        category_ids.append(one.category_id)
        scores.append(one.score)
        boxes.append(one.bbox)
        areas.append(one.area)
        if one.file_name:
            file_names[one.image_id] = one.file_name
    return PoseResults(
        image_ids,
        category_ids,
        np.frombuffer(rows, np.float64).reshape(count, (numbers or 0) // 3, 3),
        np.array(scores, dtype=np.float64),
        boxes,
        areas,
        file_names,
    )


def content_of(
    keypoints: FloatArray,
    scores: FloatArray,
    pictures: Sequence[int],
    categories: Sequence[int],
    boxes: Sequence[Sequence[float]] | None = None,
) -> list[dict[str, Any]]:
    """COCO keypoint results as an engine takes them, of arrays as in :class:`PoseResults`."""
    flat = keypoints.reshape(len(keypoints), 3 * keypoints.shape[1]).tolist()
    content: list[dict[str, Any]] = [
        {"image_id": picture, "category_id": category, "keypoints": pose, "score": score}
        for picture, category, pose, score in zip(
            pictures, categories, flat, scores.tolist(), strict=True
        )
    ]
    for one, box in zip(content, boxes or (), strict=False):
        one["bbox"] = box
    return content
