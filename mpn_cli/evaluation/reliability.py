"""Are scores and confidences what they say? Reliability curves and their error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mpn_cli.base.arrays import Float64Array
from mpn_cli.evaluation.ground_truth import GroundTruth
from mpn_cli.evaluation.matches import Matches
from mpn_cli.evaluation.results import Results
from mpn_cli.evaluation.similarity import LEAST_OKS, Nearest

BINS = 10
NEAR = 0.5
"""A joint counts as right from this OKS term on."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Values between two bounds."""

    low: float
    high: float
    count: int
    stated: float
    """The mean stated value; 0 for an empty bin."""
    true: float
    """The mean true value."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far stated values are from true ones."""

    bins: list[Bin]
    error: float
    """Expected calibration error: mean distance of the two over the bins, by their counts
    (Naeini, Cooper and Hauskrecht 2015); -1 without any values."""


@dataclass(frozen=True, slots=True)
class Reliabilities:
    """The reliability of a results file."""

    joints: Reliability
    """Confidences against the share of joints within OKS 0.5 of their label."""
    poses: Reliability
    """Scores against the OKS with the person that the pose is most like."""
    correlation: float
    """Of scores and OKS (Pearson); 0 where one of them does not vary."""


def reliability(stated: Float64Array, true: Float64Array) -> Reliability:
    """Stated values (N,) against true ones (N,), both in 0..1, in ten equal bins."""
    place = np.clip((stated * BINS).astype(np.int64), 0, BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    said = np.bincount(place, stated, BINS) / np.maximum(counts, 1)
    so = np.bincount(place, true, BINS) / np.maximum(counts, 1)
    error = float((np.abs(said - so) * counts).sum() / len(stated)) if len(stated) else -1.0
    bins = [
        Bin(n / BINS, (n + 1) / BINS, int(counts[n]), float(said[n]), float(so[n]))
        for n in range(BINS)
    ]
    return Reliability(bins, error)


def correlation(a: Float64Array, b: Float64Array) -> float:
    """Pearson's; 0 where one of the two does not vary."""
    if len(a) < 2 or not a.std() or not b.std():
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def measure_reliability(
    truth: GroundTruth, results: Results, matches: Matches, nearest: Nearest
) -> Reliabilities:
    """How far a results file's scores and confidences can be believed.

    Each pose is compared with the labelled person it is most like (``nearest``), so that a second
    pose of somebody is judged by how well it fits, too. Poses that COCO's evaluation neither counts
    right nor wrong (on crowds, on people without labelled joints) are left out. ``matches``: of
    ``keypoint_evaluation``.
    """
    judged = results.known.copy()
    for group in matches.everywhere():
        out = group.result_ids[group.result_ignored[0]]
        judged[results.rows[out - 1]] = False
    seen = truth.keypoints[nearest.people, :, 2] > 0
    seen &= (judged[nearest.rows] & (nearest.oks >= LEAST_OKS))[:, None]
    right = (nearest.terms[seen] >= NEAR).astype(np.float64)
    every = np.zeros(len(results))
    every[nearest.rows] = nearest.oks
    scores, oks = results.scores[judged], every[judged]
    return Reliabilities(
        reliability(results.keypoints[nearest.rows, :, 2][seen], right),
        reliability(scores, oks),
        correlation(scores, oks),
    )
