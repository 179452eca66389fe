"""Poses to suppress: from a file, or seeded crowds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mpn_nms.contract import Kept, PoseBatch

from mpn_cli.base.arrays import Float64Array, IntArray
from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import COCO, SKELETONS
from mpn_cli.evaluation.ground_truth import GroundTruth
from mpn_cli.evaluation.results import fit
from mpn_cli.formats.coco import PERSON_ID, numbered
from mpn_cli.formats.pose_results import PoseResults, content_of, read_results


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
        categories = self.categories[kept.rows].tolist()
        return content_of(joints, kept.scores, pictures.tolist(), categories)


def load_candidates(file: Path, truth: GroundTruth | None = None) -> Candidates:
    """COCO keypoint results with ``area`` or ``bbox``, numbered as in ``truth``.

    Raises InputError, also where none of them belongs to ``truth``.
    """
    poses = read_results(file)
    if not len(poses):
        raise InputError(f"{file}: holds no poses")
    joints = poses.keypoints.shape[1]
    if joints not in SKELETONS:
        raise InputError(f"{file}: poses of {joints} joints; known are 17 and 16")
    pictures, categories = _numbers(file, poses, truth)
    poses_by_picture = np.argsort(pictures, kind="stable")
    ids, sizes = np.unique(pictures, return_counts=True)
    keypoints = poses.keypoints[poses_by_picture]
    batch = PoseBatch(
        keypoints=keypoints[..., :2],
        confidences=keypoints[..., 2],
        scores=poses.scores[poses_by_picture],
        areas=_areas(file, poses)[poses_by_picture],
        offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        sigmas=np.array(SKELETONS[joints].sigmas),
    )
    return Candidates(batch, ids.astype(np.int64), categories[poses_by_picture])


def _areas(file: Path, poses: PoseResults) -> Float64Array:
    """(N,) pixels squared: the file's, else those of its boxes."""
    areas = []
    for row, (area, box) in enumerate(zip(poses.areas, poses.boxes, strict=True)):
        if area is None:
            if box is None or len(box) != 4:
                raise InputError(f"{file}: result {row} has neither area nor bbox")
            area = box[2] * box[3]
        if not 0 < area < math.inf:
            raise InputError(
                f"{file}: result {row} has area {area:g}; areas are over 0, in pixels squared"
            )
        areas.append(area)
    return np.array(areas)


def _numbers(
    file: Path, poses: PoseResults, truth: GroundTruth | None
) -> tuple[IntArray, IntArray]:
    """(N,) pictures and (N,) categories."""
    if truth is None:
        numbers, kinds = numbered(poses.image_ids), numbered(poses.category_ids)
        return (
            np.array([numbers[one] for one in poses.image_ids], dtype=np.int64),
            np.array([kinds[one] for one in poses.category_ids], dtype=np.int64),
        )
    fitted = fit(file, poses, truth)
    if not np.isin(fitted.categories, list(truth.categories.values())).any():
        raise InputError(f"{file}: none of its poses has a category of {truth.file}")
    return fitted.pictures, fitted.categories


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
