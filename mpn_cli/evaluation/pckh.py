"""MPII's measure: PCKh, the share of joints near their label, in units of the head.

Andriluka et al. 2014, "2D Human Pose Estimation: New Benchmark and State of the Art Analysis".
Files: the usual JSON (joints, joints_vis, center, scale, image) and the usual ``gt_valid.mat``;
joints in both count pixels from 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from mpn_cli.base.arrays import BoolArray, Float64Array
from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import MPII
from mpn_cli.formats.coco import Id
from mpn_cli.formats.files import plain_utf8, read_json
from mpn_cli.formats.pose_results import PoseResults, read_results
from mpn_cli.sources.walk import number_pictures

GROUPS = (
    ("Head", ("upper_neck", "head_top")),
    ("Sho.", ("left_shoulder", "right_shoulder")),
    ("Elb.", ("left_elbow", "right_elbow")),
    ("Wri.", ("left_wrist", "right_wrist")),
    ("Hip", ("left_hip", "right_hip")),
    ("Knee", ("left_knee", "right_knee")),
    ("Ank.", ("left_ankle", "right_ankle")),
)
"""MPII's columns; pelvis and thorax are in none, and not in the mean."""

HEAD_SHARE = 0.6
"""Of the head box's diagonal: MPII's head size."""

SCALE_PIXELS = 200.0
"""A person of scale 1 is so high."""

_THRESHOLDS = np.linspace(0.0, 0.5, 51)

_NECK, _TOP = MPII.keypoints.index("upper_neck"), MPII.keypoints.index("head_top")


class _Annotation(msgspec.Struct):
    joints: list[tuple[float, float]]
    joints_vis: list[float]
    image: str
    center: tuple[float, float]
    scale: float
    headbox: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class MpiiTruth:
    """Labelled people, in the file's order."""

    keypoints: Float64Array
    """(M, 16, 2) pixels, counted from 0."""
    labelled: BoolArray
    """(M, 16)."""
    heads: Float64Array
    """(M,) head sizes in pixels, NaN where none is known."""
    head_boxes: bool
    """Whether the sizes come from head boxes, as MPII means it."""
    pictures: list[int] | None
    """Image ids; None where the file doesn't name its pictures."""
    centres: Float64Array
    """(M, 2) pixels."""
    heights: Float64Array
    """(M,) pixels."""


@dataclass(frozen=True, slots=True)
class Pckh:
    """Shares in 0..1."""

    groups: dict[str, float]
    """PCKh@0.5 by joint group."""
    total: float
    """PCKh@0.5 over all joints that count."""
    tenth: float
    """PCKh@0.1."""
    mean: float
    """Mean over the thresholds 0, 0.01, ... 0.5."""
    people: int
    joints: int
    without_head: int
    """People left out, since the size of their head is not known."""
    without_result: int
    """People without a result: their joints count as wrong."""


def is_mpii(file: Path) -> bool:
    """Whether a ground truth is MPII's: a .mat, or a JSON list with ``joints_vis``."""
    if file.suffix.lower() == ".mat":
        return True
    try:
        with file.open("rb") as stream:
            start = stream.read(4096)
    except OSError:
        return False
    try:
        start = plain_utf8(start)
    except UnicodeDecodeError:
        return False
    return start.lstrip().startswith(b"[") and b'"joints' in start


def read_mpii(file: Path) -> MpiiTruth:
    """Raises InputError for files of another form."""
    return _read_mat(file) if file.suffix.lower() == ".mat" else _read_list(file)


def _read_list(file: Path) -> MpiiTruth:
    people = read_json(file, list[_Annotation], "an MPII list of joints")
    for number, one in enumerate(people):
        if len(one.joints) != MPII.joints or len(one.joints_vis) != MPII.joints:
            raise InputError(f"{file}: person {number} has {len(one.joints)} joints, MPII has 16")
    if not people:
        raise InputError(f"{file}: nobody is labelled")
    keypoints = np.array([one.joints for one in people]) - 1
    labelled = np.array([one.joints_vis for one in people]) > 0
    boxes = all(one.headbox is not None for one in people)
    if boxes:
        corners = np.array([one.headbox for one in people])
        heads = HEAD_SHARE * np.linalg.norm(corners[:, 2:] - corners[:, :2], axis=1)
    else:
        heads = np.linalg.norm(keypoints[:, _TOP] - keypoints[:, _NECK], axis=1)
        heads[~(labelled[:, _TOP] & labelled[:, _NECK])] = np.nan
    names = sorted({one.image for one in people})
    ids = dict(zip(names, number_pictures(names), strict=True))
    return MpiiTruth(
        keypoints,
        labelled,
        np.where(heads > 0, heads, np.nan),
        boxes,
        [ids[one.image] for one in people],
        np.array([one.center for one in people]) - 1,
        np.array([one.scale for one in people]) * SCALE_PIXELS,
    )


def _read_mat(file: Path) -> MpiiTruth:
    content = _mat(file)
    try:
        keypoints = np.moveaxis(content["pos_gt_src"].astype(np.float64), 2, 0) - 1
        missing = content["jnt_missing"].T > 0
        boxes = content["headboxes_src"].astype(np.float64)  # (2 corners, 2, M)
    except KeyError as error:
        raise InputError(f"{file}: no {error.args[0]}: not MPII's gt_valid.mat") from None
    heads = HEAD_SHARE * np.linalg.norm(boxes[1] - boxes[0], axis=0)
    return MpiiTruth(
        keypoints,
        ~missing,
        np.where(heads > 0, heads, np.nan),
        True,
        None,
        keypoints.mean(axis=1),
        np.ptp(keypoints[..., 1], axis=1),
    )


def _mat(file: Path) -> dict[str, Any]:
    try:
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError
    except ImportError:
        raise InputError(
            f"{file}: .mat files need scipy; pip install 'mobileposenet[mpii]'"
        ) from None
    try:
        return dict(loadmat(file))
    except (OSError, ValueError, NotImplementedError, MatReadError) as error:
        raise InputError(f"{file}: not a MATLAB file: {error}") from None


def read_mpii_results(file: Path, truth: MpiiTruth) -> Float64Array:
    """(M, 16, 2) a pose for each labelled person, NaN without one; pixels counted from 0.

    A .mat holds ``preds`` in the ground truth's order, counted from 1. In COCO keypoint results
    each person gets the nearest pose of their picture, as MPII's rough positions are meant; a pose
    serves one person. Raises InputError.
    """
    people = len(truth.keypoints)
    if file.suffix.lower() == ".mat":
        preds = _mat(file).get("preds")
        if preds is None or preds.shape[:2] != (people, MPII.joints):
            shape = "nothing" if preds is None else preds.shape
            raise InputError(f"{file}: preds is {shape}, not ({people}, 16, 2)")
        return np.asarray(preds[..., :2], dtype=np.float64) - 1
    results = read_results(file, MPII.joints, "MPII has")
    if truth.pictures is None:
        raise InputError(f"{file}: a .mat ground truth names no pictures: give its .mat results")
    if len(results) and not set(results.image_ids) & set(truth.pictures):
        raise InputError(
            f"{file}: none of its pictures is in the ground truth (first: image id"
            f" {results.image_ids[0]})"
        )
    return _assigned(truth, truth.pictures, results)


def _assigned(truth: MpiiTruth, pictures: Sequence[int], results: PoseResults) -> Float64Array:
    poses = results.keypoints[..., :2]
    by_picture: dict[Id, list[int]] = {}
    for row, picture in enumerate(results.image_ids):
        by_picture.setdefault(picture, []).append(row)
    chosen = np.full((len(pictures), MPII.joints, 2), np.nan)
    for picture in set(pictures):
        rows = by_picture.get(picture, [])
        people = [person for person, of in enumerate(pictures) if of == picture]
        if not rows:
            continue
        centres = (poses[rows].min(axis=1) + poses[rows].max(axis=1)) / 2
        away = np.linalg.norm(truth.centres[people][:, None] - centres[None], axis=2)
        away /= truth.heights[people][:, None]
        for flat_place in np.argsort(away, axis=None, kind="stable"):
            person, row = np.unravel_index(flat_place, away.shape)
            if np.isfinite(away[person, row]):
                chosen[people[person]] = poses[rows[row]]
                away[person, :] = away[:, row] = np.inf
    return chosen


def pckh(truth: MpiiTruth, poses: Float64Array) -> Pckh:
    """PCKh of poses (M, 16, 2), NaN for people without one."""
    known = np.isfinite(truth.heads)
    away = np.linalg.norm(poses[known] - truth.keypoints[known], axis=2)
    away = np.where(np.isnan(away), np.inf, away) / truth.heads[known][:, None]
    labelled = truth.labelled[known]

    def share(joints: Sequence[int], threshold: float) -> float:
        near = (away[:, joints] <= threshold) & labelled[:, joints]
        return float(near.sum() / max(labelled[:, joints].sum(), 1))

    members = {name: [MPII.keypoints.index(joint) for joint in joints] for name, joints in GROUPS}
    every = sorted(joint for joints in members.values() for joint in joints)
    return Pckh(
        {name: share(joints, 0.5) for name, joints in members.items()},
        share(every, 0.5),
        share(every, 0.1),
        float(np.mean([share(every, float(threshold)) for threshold in _THRESHOLDS])),
        int(known.sum()),
        int(labelled[:, every].sum()),
        int((~known).sum()),
        int(np.isnan(poses[known]).all(axis=(1, 2)).sum()),
    )
