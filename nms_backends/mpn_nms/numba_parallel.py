"""Hard, soft and matrix suppression compiled by numba, parallel over pictures.

``hard`` asks only whether O > thr. A joint adds at most 1 to the sum, so a pair is decided as soon
as the sum so far plus what is left can't pass, or can't fail; joints with the smallest sigma come
first, since they tell most. Poses that are apart fall out after a joint or two. The kernel's
exponentials may differ from numpy's in the last bit: where a pair's OKS comes within ``MARGIN`` of
the threshold, the picture is decided again by the plain backend, so that both keep the same poses
on any input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from mpn_nms import hard, plain_matrix, soft
from mpn_nms.contract import Int64Array, Kept, NmsConfig, PoseBatch
from mpn_nms.oks import TINY

MARGIN = 1e-9
"""OKS this near to the threshold is decided by the plain backend."""

NEGLIGIBLE = 40.0
"""A joint's exp(-x) past this is under 1e-17: it counts as 0 and needs no exponential."""

_ALL_JOINTS = -1.0
"""Visibility threshold under every confidence: all joints count."""

HARD, SOFT, SOFT_LINEAR, MATRIX, MATRIX_GAUSSIAN = range(5)
_METHODS = {
    "hard": HARD,
    soft.GAUSSIAN: SOFT,
    soft.LINEAR: SOFT_LINEAR,
    plain_matrix.LINEAR: MATRIX,
    plain_matrix.GAUSSIAN: MATRIX_GAUSSIAN,
}


class NumbaParallel:
    """All methods, compiled; the first use on a machine compiles for some seconds."""

    name = "numba"
    methods: tuple[str, ...] = tuple(_METHODS)

    def __call__(self, batch: PoseBatch, config: NmsConfig) -> Kept:
        """Suppress all pictures in parallel."""
        by_sigma = np.argsort(batch.sigmas, kind="stable")
        sigmas = np.asarray(batch.sigmas, dtype=np.float64)[by_sigma]
        scores = np.ascontiguousarray(batch.scores, dtype=np.float64)
        visible_above = _ALL_JOINTS if config.oks_vis_thr is None else config.oks_vis_thr
        rows = np.empty(len(scores), dtype=np.int64)
        new_scores = np.empty(len(scores), dtype=np.float64)
        counts = np.zeros(batch.pictures, dtype=np.int64)
        doubtful = np.zeros(batch.pictures, dtype=np.bool_)
        _suppress_all(
            np.ascontiguousarray(batch.keypoints, dtype=np.float64),
            np.ascontiguousarray(batch.confidences, dtype=np.float64),
            scores,
            np.ascontiguousarray(batch.areas, dtype=np.float64),
            np.ascontiguousarray(batch.offsets, dtype=np.int64),
            by_sigma.astype(np.int64),
            1 / (2 * (2 * sigmas) ** 2),
            _dealt(np.diff(batch.offsets)),
            _METHODS[config.method],
            float(config.thr),
            float(config.sigma),
            float(config.score_thr),
            int(config.max_dets),
            float(visible_above),
            rows,
            new_scores,
            counts,
            doubtful,
        )
        for picture in np.flatnonzero(doubtful):
            _decide_again(batch, config, int(picture), rows, new_scores, counts)
        starts = np.repeat(batch.offsets[:-1], counts)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        taken = starts + np.arange(offsets[-1]) - np.repeat(offsets[:-1], counts)
        kept = rows[taken]
        if config.method == "hard":
            return Kept(kept, batch.scores[kept], offsets)
        return Kept(kept, new_scores[taken], offsets)


def _dealt(sizes: Int64Array) -> Int64Array:
    """Picture order in which threads, that take equal runs of it, get equal work."""
    threads = numba.get_num_threads()
    by_size = np.argsort(-sizes, kind="stable")
    return np.concatenate([by_size[thread::threads] for thread in range(threads)])


def _decide_again(
    batch: PoseBatch,
    config: NmsConfig,
    picture: int,
    rows: Int64Array,
    scores: np.ndarray[Any, np.dtype[np.float64]],
    counts: Int64Array,
) -> None:
    first, last = int(batch.offsets[picture]), int(batch.offsets[picture + 1])
    own = slice(first, last)
    alone = PoseBatch(
        batch.keypoints[own],
        batch.confidences[own],
        batch.scores[own],
        batch.areas[own],
        np.array([0, last - first], dtype=np.int64),
        batch.sigmas,
    )
    kept = hard.Hard()(alone, config)
    counts[picture] = len(kept.rows)
    rows[first : first + len(kept.rows)] = first + kept.rows
    scores[first : first + len(kept.rows)] = kept.scores


def _compile(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Numba's compiler, keeping what it compiles where there is a place for that.

    Where neither beside this file nor in the user's cache files may be made, each process compiles
    for itself (NUMBA_CACHE_DIR names another place).
    """

    def compile_(function: Callable[..., Any]) -> Any:
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:  # "cannot cache function: no locator available"
            return numba.njit(**options)(function)

    return compile_


@_compile(nogil=True, fastmath={"contract"})
def _exponential(x):  # type: ignore[no-untyped-def]
    """exp(-x) for 0 <= x <= NEGLIGIBLE within 1e-12 of its value, in a form that vectorises.

    exp(-x) = exp(-x / 256)^256: a Taylor polynomial of degree 9 and eight squarings.
    """
    r = x * (-1 / 256)
    p = 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    p *= p
    p *= p
    p *= p
    p *= p
    p *= p
    p *= p
    p *= p
    return p * p


@_compile(nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _similarity(x, y, weights, areas, inverse, i, j):  # type: ignore[no-untyped-def]
    """OKS of poses i and j (eq. 9) of a picture in its own layout."""
    scale = 1 / ((areas[i] + areas[j]) / 2 + TINY)
    total = 0.0
    number = 0.0
    for m in range(len(inverse)):
        dx = x[i, m] - x[j, m]
        dy = y[i, m] - y[j, m]
        weight = weights[i, m] * weights[j, m]
        exponent = min((dx * dx + dy * dy) * scale * inverse[m], NEGLIGIBLE)
        total += weight * _exponential(exponent)
        number += weight
    return total / max(number, 1.0)


@_compile(fastmath=False, nogil=True)
def _own_layout(keypoints, confidences, areas, order, visible_above):  # type: ignore[no-untyped-def]
    """A picture's x, y and joint weights (n, K) and areas (n,), best pose first, packed."""
    poses, joints = len(order), keypoints.shape[1]
    x, y = np.empty((poses, joints)), np.empty((poses, joints))
    weights = np.empty((poses, joints))
    own_areas = np.empty(poses)
    for k in range(poses):
        row = order[k]
        own_areas[k] = areas[row]
        for m in range(joints):
            x[k, m], y[k, m] = keypoints[row, m, 0], keypoints[row, m, 1]
            weights[k, m] = 1.0 if confidences[row, m] > visible_above else 0.0
    return x, y, weights, own_areas


@_compile(fastmath=False, nogil=True)
def _likeness(keypoints, confidences, areas, joints, inverse, i, j, visible_above, thr):  # type: ignore[no-untyped-def]
    """1 if O > thr, 0 if not, 2 if too near to say; ends as soon as it is certain."""
    number = len(joints)
    if visible_above >= 0:
        number = 0
        for m in range(len(joints)):
            joint = joints[m]
            if confidences[i, joint] > visible_above and confidences[j, joint] > visible_above:
                number += 1
        if number == 0:
            return 0 if thr > MARGIN else 2
    scale = 1 / ((areas[i] + areas[j]) / 2 + TINY)
    low, high = (thr - MARGIN) * number, (thr + MARGIN) * number
    total = 0.0
    left = number
    for m in range(len(joints)):
        joint = joints[m]
        if visible_above >= 0 and not (
            confidences[i, joint] > visible_above and confidences[j, joint] > visible_above
        ):
            continue
        dx = keypoints[i, joint, 0] - keypoints[j, joint, 0]
        dy = keypoints[i, joint, 1] - keypoints[j, joint, 1]
        exponent = (dx * dx + dy * dy) * scale * inverse[m]
        left -= 1
        if exponent < NEGLIGIBLE:
            total += np.exp(-exponent)
        if total + left < low:
            return 0
        if total > high:
            return 1
    return 2


@_compile(fastmath=False, nogil=True)
def _hard(keypoints, confidences, areas, joints, inverse, order, thr, visible_above, rows):  # type: ignore[no-untyped-def]
    """Greedy suppression; the number kept, or -1 where a pair is too near to the threshold."""
    kept = 0
    # Two joints lost for the most part leave at most K - 2 + 2 exp(-apart): no more than thr * K
    # where that is under it, so that a pair with both that far apart needs no exponential.
    number = len(joints)
    spare = (thr - MARGIN) * number - (number - 2)
    quick = visible_above < 0 and number >= 2 and spare > 0
    apart = -np.log(spare / 2) if quick else 0.0
    first, second = joints[0], joints[min(1, number - 1)]
    x0, y0 = np.empty(len(order)), np.empty(len(order))
    x1, y1 = np.empty(len(order)), np.empty(len(order))
    area = np.empty(len(order))
    near = np.ones(len(order), np.bool_)
    for j in order:
        alike = 0
        px, py = keypoints[j, first, 0], keypoints[j, first, 1]
        qx, qy = keypoints[j, second, 0], keypoints[j, second, 1]
        if quick:
            for k in range(kept):
                scale = apart * ((area[k] + areas[j]) / 2 + TINY)
                d0 = (x0[k] - px) ** 2 + (y0[k] - py) ** 2
                d1 = (x1[k] - qx) ** 2 + (y1[k] - qy) ** 2
                near[k] = (d0 * inverse[0] <= scale) | (d1 * inverse[1] <= scale)
        for k in range(kept):
            if not near[k]:
                continue
            alike = _likeness(
                keypoints, confidences, areas, joints, inverse, rows[k], j, visible_above, thr
            )
            if alike:
                break
        if alike == 2:
            return -1
        if alike == 0:
            rows[kept] = j
            x0[kept], y0[kept], x1[kept], y1[kept], area[kept] = px, py, qx, qy, areas[j]
            kept += 1
    return kept


@_compile(fastmath=False, nogil=True)
def _soft(  # type: ignore[no-untyped-def]
    x,
    y,
    weights,
    areas,
    inverse,
    order,
    left,
    thr,
    max_dets,
    linear,
    rows,
    scores,
):
    """Soft suppression; ``order`` and its scores ``left`` are used up."""
    poses = len(order)
    places = np.arange(poses)
    taken = min(max_dets, poses)
    for step in range(taken):
        rows[step] = order[places[step]]
        scores[step] = left[step]
        for k in range(step + 1, poses):
            similar = _similarity(x, y, weights, areas, inverse, places[step], places[k])
            if not linear:
                left[k] *= np.exp(-(similar * similar) / thr)
            elif similar >= thr:
                left[k] *= 1 - similar
        for k in range(step + 2, poses):  # insertion sort: stable, and nearly sorted already
            score, place = left[k], places[k]
            to = k
            while to > step + 1 and left[to - 1] < score:
                left[to], places[to] = left[to - 1], places[to - 1]
                to -= 1
            left[to], places[to] = score, place
    return taken


@_compile(fastmath=False, nogil=True)
def _matrix(  # type: ignore[no-untyped-def]
    x,
    y,
    weights,
    areas,
    inverse,
    order,
    left,
    sigma,
    score_thr,
    max_dets,
    gaussian,
    rows,
    scores,
):
    """Matrix suppression: scores decay by the OKS with all better poses."""
    poses = len(order)
    decayed = np.empty(poses)
    compensation = np.zeros(poses)
    for j in range(poses):
        decay = 0.0 if gaussian else 1.0
        for i in range(j):
            similar = _similarity(x, y, weights, areas, inverse, i, j)
            compensation[j] = max(compensation[j], similar)
            if gaussian:  # the least factor has the least exponent
                decay = min(decay, compensation[i] * compensation[i] - similar * similar)
            else:
                apart = max(1 - compensation[i], plain_matrix.SMALLEST_DENOMINATOR)
                decay = min(decay, (1 - similar) / apart)
        decayed[j] = left[j] * (np.exp(decay / sigma) if gaussian else decay)
    by_score = np.argsort(-decayed, kind="mergesort")
    kept = 0
    for j in by_score[:max_dets]:
        if decayed[j] > score_thr:
            rows[kept] = order[j]
            scores[kept] = decayed[j]
            kept += 1
    return kept


@_compile(parallel=True, nogil=True)
def _suppress_all(  # type: ignore[no-untyped-def]
    keypoints,
    confidences,
    scores,
    areas,
    offsets,
    joints,
    inverse,
    pictures,
    method,
    thr,
    sigma,
    score_thr,
    max_dets,
    visible_above,
    rows,
    new_scores,
    counts,
    doubtful,
):
    """Every picture by one thread; rows and scores are written where the picture's own stand."""
    by_joint = np.empty(len(joints))
    by_joint[joints] = inverse
    for position in numba.prange(len(pictures)):
        picture = pictures[position]
        first, last = offsets[picture], offsets[picture + 1]
        if first == last:
            continue
        order = first + np.argsort(-scores[first:last], kind="mergesort")
        own, own_scores = rows[first:last], new_scores[first:last]
        if method == HARD:
            kept = _hard(
                keypoints, confidences, areas, joints, inverse, order, thr, visible_above, own
            )
            doubtful[picture] = kept < 0
        else:
            x, y, weights, own_areas = _own_layout(
                keypoints, confidences, areas, order, visible_above
            )
            left = scores[order]
            if method in (SOFT, SOFT_LINEAR):
                kept = _soft(
                    x,
                    y,
                    weights,
                    own_areas,
                    by_joint,
                    order,
                    left,
                    thr,
                    max_dets,
                    method == SOFT_LINEAR,
                    own,
                    own_scores,
                )
            else:
                kept = _matrix(
                    x,
                    y,
                    weights,
                    own_areas,
                    by_joint,
                    order,
                    left,
                    sigma,
                    score_thr,
                    max_dets,
                    method == MATRIX_GAUSSIAN,
                    own,
                    own_scores,
                )
        counts[picture] = max(kept, 0)
