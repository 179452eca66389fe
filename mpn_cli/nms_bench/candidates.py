"""Poses to suppress: from a file, or seeded crowds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mpn_nms.contract import Kept, PoseBatch

from mpn_cli.base.arrays import IntArray
from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import COCO, SKELETONS
from mpn_cli.evaluation.inputs import GroundTruth, fit
from mpn_cli.formats.coco import PERSON_ID, Result, numbered, read_results


@dataclass(frozen=True, slots=True)
class Candidates:
    """A batch, with the ids of its pictures."""

    batch: PoseBatch
    picture_ids: IntArray
    """(B,)."""
    categories: IntArray
    """(N,) of the poses."""

    def results(self, kept: Kept) -> list[dict[str, Any]]:
        """What is kept as COCO keypoint results."""
        pictures = np.repeat(self.picture_ids, np.diff(kept.offsets))
        joints = np.concatenate(
            [self.batch.keypoints[kept.rows], self.batch.confidences[kept.rows][..., None]], axis=2
        )
        return [
            {
                "image_id": int(picture),
                "category_id": int(category),
                "keypoints": pose.reshape(-1).tolist(),
                "score": float(score),
            }
            for picture, category, pose, score in zip(
                pictures, self.categories[kept.rows], joints, kept.scores, strict=True
            )
        ]


def load_candidates(file: Path, truth: GroundTruth | None = None) -> Candidates:
    """COCO keypoint results with ``area`` or ``bbox``, numbered as in ``truth``.

    Raises InputError, also where none of them belongs to ``truth``.
    """
    poses = read_results(file)
    if not poses:
        raise InputError(f"{file}: holds no poses")
    length = len(poses[0].keypoints)
    if length not in (3 * joints for joints in SKELETONS):
        raise InputError(f"{file}: poses of {length / 3:g} joints; known are 17 and 16")
    areas = []
    for number, pose in enumerate(poses):
        if len(pose.keypoints) != length:
            raise InputError(
                f"{file}: pose {number} has {len(pose.keypoints)} numbers, not {length}"
            )
        areas.append(_area(file, number, pose))
    pictures, categories = _numbers(file, poses, truth)
    poses_by_picture = np.argsort(pictures, kind="stable")
    ids, sizes = np.unique(pictures, return_counts=True)
    flat = np.array([pose.keypoints for pose in poses])[poses_by_picture].reshape(len(poses), -1, 3)
    batch = PoseBatch(
        keypoints=flat[..., :2],
        confidences=flat[..., 2],
        scores=np.array([pose.score for pose in poses])[poses_by_picture],
        areas=np.array(areas)[poses_by_picture],
        offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        sigmas=np.array(SKELETONS[length // 3].sigmas),
    )
    return Candidates(batch, ids.astype(np.int64), categories[poses_by_picture])


def _area(file: Path, number: int, pose: Result) -> float:
    area = pose.area
    if area is None:
        if pose.bbox is None or len(pose.bbox) != 4:
            raise InputError(f"{file}: pose {number} has neither area nor bbox")
        area = pose.bbox[2] * pose.bbox[3]
    if not 0 < area < math.inf:
        raise InputError(
            f"{file}: pose {number} has area {area:g}; areas are over 0, in pixels squared"
        )
    return area


def _numbers(
    file: Path, poses: Sequence[Result], truth: GroundTruth | None
) -> tuple[IntArray, IntArray]:
    """(N,) pictures and (N,) categories."""
    if truth is None:
        numbers = numbered(pose.image_id for pose in poses)
        kinds = numbered(pose.category_id for pose in poses)
        return (
            np.array([numbers[pose.image_id] for pose in poses], dtype=np.int64),
            np.array([kinds[pose.category_id] for pose in poses], dtype=np.int64),
        )
    fitted = fit(file, poses, truth)
    if not set(fitted.categories) & set(truth.categories.values()):
        raise InputError(f"{file}: none of its poses has a category of {truth.file}")
    return np.array(fitted.pictures), np.array(fitted.categories)


def make_crowds(sizes: IntArray, seed: int) -> Candidates:
    """Seeded crowds of the given sizes; a third of the poses are near copies of another's."""
    rng = np.random.default_rng(seed)
    poses = int(sizes.sum())
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    first = np.repeat(offsets[:-1], sizes)
    areas = rng.uniform(40, 250, poses) ** 2 * 2
    height = np.sqrt(areas)[:, None, None]
    keypoints = rng.uniform(0, 600, (poses, 1, 2)) + rng.normal(0, 1, (poses, 17, 2)) * height / 4
    original = first + (rng.random(poses) * (np.arange(poses) - first)).astype(np.int64)
    jitter = rng.normal(0, 0.02, (poses, 17, 2)) * height
    for row in np.flatnonzero(rng.random(poses) < 1 / 3):  # in order: copies of copies occur
        keypoints[row] = keypoints[original[row]] + jitter[row]
        areas[row] = areas[original[row]]
    batch = PoseBatch(
        keypoints, rng.random((poses, 17)), rng.random(poses), areas, offsets, np.array(COCO.sigmas)
    )
    return Candidates(
        batch, np.arange(1, len(sizes) + 1), np.full(poses, PERSON_ID, dtype=np.int64)
    )
