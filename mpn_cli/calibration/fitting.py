"""From samples to a score model: logistic regressions, by Newton's method."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mpn_cli.base.arrays import BoolArray, Float64Array
from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import Skeleton
from mpn_cli.calibration.samples import NOBODY, Samples
from mpn_cli.networks.scoring import (
    FEATURES,
    FORMAT,
    JointModel,
    ScoreModel,
    features,
    logarithms,
    logistic,
    standardised,
)

SHRINKAGE = 1e-3
"""L2 penalty on the regressions' weights, added to the mean loss.

1e-4 to 1e-2 give the same AP within 0.001.
"""

NEAR = 0.5
"""An OKS term from which a joint is right."""

_STEPS = 50
_CLOSE = 1e-9
_DIGITS = 8
"""Number of significant digits kept."""


def fit(samples: Samples, rows: BoolArray, skeleton: Skeleton, weights_sha256: str) -> ScoreModel:
    """The score model of some samples (N,). Raises InputError where a joint is nowhere labelled."""
    looked_at = features(samples.keypoints, samples.confidences, samples.areas, skeleton)
    groups = tuple(
        _fit_joints(samples, rows, looked_at, joints, skeleton) for joints in mirrored(skeleton)
    )
    fitted = {"samples": float(rows.sum())}
    return ScoreModel(FORMAT, weights_sha256, skeleton.joints, fitted, groups)


def mirrored(skeleton: Skeleton) -> Iterator[tuple[int, ...]]:
    """Joints that share what is fitted: left and right alike, which halves the parameters."""
    for joint, other in enumerate(skeleton.flip_permutation):
        if joint <= other:
            yield (joint,) if joint == other else (joint, other)


def _fit_joints(
    samples: Samples,
    rows: BoolArray,
    looked_at: Float64Array,
    joints: tuple[int, ...],
    skeleton: Skeleton,
) -> JointModel:
    of = list(joints)
    somebody = rows & (samples.kinds != NOBODY)
    labelled = samples.labelled[:, of]
    on_people, on_nobody = labelled & somebody[:, None], rows & (samples.kinds == NOBODY)
    mine = looked_at[:, of]
    if not on_people.any():
        raise InputError(f"nobody has a labelled {skeleton.keypoints[joints[0]]} to calibrate with")
    # On background no joint is right.
    known = np.concatenate([mine[on_people], mine[on_nobody].reshape(-1, len(FEATURES))])
    terms = samples.similarity[:, of][on_people]
    true = np.concatenate([terms, np.zeros(len(known) - len(terms))])
    means, deviations = known.mean(axis=0), known.std(axis=0)
    deviations[deviations == 0] = 1.0
    similarity = regression(standardised(known, means, deviations), true, SHRINKAGE)
    of_people = mine[somebody].reshape(-1, len(FEATURES))
    shown = labelled[somebody].reshape(-1).astype(np.float64)
    chance_of_label = regression(standardised(of_people, means, deviations), shown, SHRINKAGE)
    chance = beta_calibration(mine[..., 0][on_people], (terms >= NEAR).astype(np.float64))
    return JointModel(
        joints,
        _short(means),
        _short(deviations),
        _short(similarity),
        _short(chance_of_label),
        chance,
    )


def regression(values: Float64Array, true: Float64Array, shrinkage: float) -> Float64Array:
    """(F + 1,) weights and constant of a logistic regression of (N,) in 0..1 on (N, F).

    The mean cross-entropy plus half of ``shrinkage`` times the squared weights is least.
    """
    wide = np.column_stack([values, np.ones(len(values))])
    penalty = np.full(wide.shape[1], shrinkage)
    penalty[-1] = 1e-9  # the constant is free, but must not run away where all are 0 or 1
    weights = np.zeros(wide.shape[1])

    def loss(of: Float64Array) -> float:
        sums = wide @ of
        return float((np.logaddexp(0, sums) - true * sums).mean() + (penalty * of**2).sum() / 2)

    for _ in range(_STEPS):
        chances = logistic(wide @ weights)
        slope = wide.T @ (chances - true) / len(true) + penalty * weights
        curve = (wide * (chances * (1 - chances))[:, None]).T @ wide / len(true) + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        size = 1.0
        while loss(weights - size * step) > loss(weights) and size > _CLOSE:
            size /= 2
        weights = weights - size * step
        if np.abs(size * step).max() < _CLOSE:
            break
    return weights


def beta_calibration(confidences: Float64Array, right: Float64Array) -> tuple[float, float, float]:
    """(a, b, d) of ``JointModel.chance`` from confidences (N,) and whether each was right (N,).

    A weight that would make chances fall with the confidence is left out, as its authors do.
    """
    columns = np.column_stack(logarithms(confidences))
    kept = [0, 1]
    weights = regression(columns, right, _CLOSE)
    while kept and weights[:-1].min() < 0:
        del kept[int(weights[:-1].argmin())]
        weights = regression(columns[:, kept], right, _CLOSE)
    found = [0.0, 0.0, float(weights[-1])]
    for place, column in enumerate(kept):
        found[column] = float(weights[place])
    a, b, d = _short(np.array(found))
    return a, b, d


def _short(values: Float64Array) -> tuple[float, ...]:
    return tuple(float(f"{value:.{_DIGITS}g}") for value in values)
