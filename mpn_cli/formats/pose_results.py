"""COCO keypoint results (cocodataset.org/#format-results), read into columns.

A file of 100,000 poses holds five million numbers. The keypoints of each pose are copied into their
row of an array as soon as they are decoded, so that the numbers never exist as Python objects all
at once.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
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


class _RawResult(msgspec.Struct, gc=False):
    """A result whose keypoints have not been decoded yet."""

    image_id: Id
    keypoints: msgspec.Raw
    score: Number
    category_id: Id = PERSON_ID
    bbox: list[Number] | None = None
    area: Number | None = None
    file_name: str | None = None


_decode_results = msgspec.json.Decoder(list[_RawResult]).decode
_decode_keypoints = msgspec.json.Decoder(list[float]).decode


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
        plain = _decode_results(content)
        numbers = len(_decode_keypoints(plain[0].keypoints)) if joints is None and plain else 0
        keypoints = _packed(plain, numbers // 3 if joints is None else joints)
        return _columns(plain, keypoints)
    except (msgspec.DecodeError, RecursionError, struct.error):
        pass  # Numbers written as texts, NaN, or a mistake, which the slower way puts into words.
    results = decode_json(content, list[Result], f"{file}: not {_WHAT}", str(file))
    numbers = len(results[0].keypoints) // 3 * 3 if results else 0
    numbers = numbers if joints is None else 3 * joints
    for row, one in enumerate(results):
        if len(one.keypoints) != numbers:
            raise InputError(
                f"{file}: result {row} has {len(one.keypoints) / 3:g} joints, {whose}"
                f" {numbers // 3}"
            )
    flat = np.array([one.keypoints for one in results], dtype=np.float64)
    return _columns(results, flat.reshape(len(results), numbers // 3, 3))


def _packed(results: Sequence[_RawResult], joints: int) -> Float64Array:
    """The keypoints (N, K, 3) of results.

    Raises struct.error where a pose has another number of joints, and msgspec.DecodeError for what
    is not a list of finite numbers.
    """
    row = struct.Struct(f"{3 * joints}d")
    rows = bytearray(len(results) * row.size)
    for place, one in enumerate(results):
        row.pack_into(rows, place * row.size, *_decode_keypoints(one.keypoints))
    keypoints = np.frombuffer(rows, np.float64).reshape(len(results), joints, 3)
    if not np.isfinite(keypoints).all():
        raise msgspec.DecodeError("numbers that are not finite")
    return keypoints


def _columns(
    results: Sequence[_RawResult] | Sequence[Result], keypoints: Float64Array
) -> PoseResults:
    return PoseResults(
        [one.image_id for one in results],
        [one.category_id for one in results],
        keypoints,
        np.array([one.score for one in results], dtype=np.float64),
        [one.bbox for one in results],
        [one.area for one in results],
        {one.image_id: one.file_name for one in results if one.file_name},
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
