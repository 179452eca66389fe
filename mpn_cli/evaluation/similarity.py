"""Object keypoint similarity (OKS) between results and the labelled people of their pictures.

The definition, with its two cases, is that of COCO's evaluation (``COCOeval.computeOks``). The
values of :func:`candidates` are worked out in the same order of operations, so that they are the
same floating point numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from mpn_cli.base.arrays import Float64Array, IntArray
from mpn_cli.base.cores import usable_cores
from mpn_cli.base.skeletons import COCO
from mpn_cli.evaluation.ground_truth import GroundTruth, People
from mpn_cli.evaluation.joining import equal_pairs

LEAST_OKS = 0.1
"""A pose with a lower OKS has nothing to do with the person."""

_BLOCK = 4096
"""Pairs compared at once: their numbers fit a core's cache."""

_MARGIN = 1e-9
"""More than the two orders of operations can differ by."""

Places = tuple[Float64Array, Float64Array]
"""x (N, K) and y (N, K) of N poses, pixels."""

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs of a result and a person of the same picture whose OKS is at least ``LEAST_OKS``."""

    rows: IntArray
    """(C,) of the results."""
    people: IntArray
    """(C,) rows of the ground truth's people."""
    oks: Float64Array
    """(C,)."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """The labelled person each of M results is most like."""

    rows: IntArray
    """(M,) of the results that have somebody in their picture."""
    people: IntArray
    """(M,) rows of ``GroundTruth.scored``."""
    oks: Float64Array
    """(M,)."""
    terms: Float64Array
    """(M, K) of the OKS."""


def similarities(
    found: Float64Array, labels: Float64Array, areas: Float64Array, sigmas: Float64Array
) -> Float64Array:
    """COCO's OKS terms (..., K) of joints (..., K, 2) against labels (..., K, 2), in 0..1.

    ``areas``: (...), the labelled people's, pixels squared.
    """
    x, y = np.moveaxis(found - labels, -1, 0)
    squared = x * x + y * y
    spread = 2 * (2 * sigmas) ** 2
    with np.errstate(over="ignore"):  # areas below 0, about which the ground truth's notes speak
        return np.asarray(np.exp(-squared / (spread * (areas[..., None] + np.spacing(1)))))


def judged_sigmas(truth: GroundTruth) -> Float64Array:
    """(K,) OKS constants, COCO's as its evaluation writes them: tenths of 0.26, 0.25 and so on."""
    if truth.own_sigmas:
        return truth.sigmas
    return np.round(10 * np.array(COCO.sigmas), 2) / 10


def compare(
    truth: GroundTruth, places: Places, pictures: IntArray, rows: IntArray
) -> tuple[Nearest, Candidates]:
    """Compare results with everybody in their pictures.

    places: of all N results; pictures: (N,), by number; rows: (M,) ascending, of those results that
    are compared.
    """
    people = truth.columns
    labelled = np.flatnonzero(people.labelled > 0)
    mine, theirs = equal_pairs(pictures[rows], people.pictures[labelled])
    mine, theirs = rows[mine], labelled[theirs]
    x, y = places
    label_x, label_y = (np.ascontiguousarray(people.keypoints[..., axis]) for axis in (0, 1))
    sigmas = judged_sigmas(truth)
    # An OKS term is exp(distance² * scale); a joint's share of the OKS is 0 where it has no label.
    scale = -1 / (2 * (2 * sigmas) ** 2 * (people.areas[:, None] + np.spacing(1)))
    share = (people.keypoints[..., 2] > 0) / np.maximum(people.labelled, 1)[:, None]

    def terms(a: IntArray, b: IntArray) -> Float64Array:
        return _terms(x[a], y[a], label_x[b], label_y[b], scale[b])

    def likeness(some: slice) -> Float64Array:
        similar = terms(mine[some], theirs[some])
        return np.asarray(np.einsum("nk,nk->n", similar, share[theirs[some]]))

    oks = np.concatenate([np.empty(0), *_in_blocks(likeness, len(mine))])
    best = _best(mine, theirs, oks, truth.scored_rows)
    place = np.full(len(people.areas), -1)
    place[truth.scored_rows] = np.arange(len(truth.scored_rows))
    nearest = Nearest(
        mine[best],
        place[theirs[best]],
        oks[best],
        np.concatenate(
            [
                np.empty((0, len(sigmas))),
                *_in_blocks(lambda some: terms(mine[best[some]], theirs[best[some]]), len(best)),
            ]
        ),
    )
    near = np.flatnonzero(oks >= LEAST_OKS - _MARGIN)
    unlabelled = np.flatnonzero(people.labelled == 0)
    others, in_boxes = equal_pairs(pictures[rows], people.pictures[unlabelled])
    return nearest, candidates(
        truth,
        places,
        np.concatenate([mine[near], rows[others]]),
        np.concatenate([theirs[near], unlabelled[in_boxes]]),
    )


def candidates(truth: GroundTruth, places: Places, rows: IntArray, people: IntArray) -> Candidates:
    """Those of the pairs (C,), (C,) that are alike, with COCO's OKS, to the last bit.

    places: of all results.
    """
    everybody = truth.columns
    sigmas = judged_sigmas(truth)
    counts = everybody.labelled[people]
    oks = np.empty(len(rows))
    # COCO adds up the labelled joints alone. How numbers are grouped in a sum decides its last bit,
    # so that pairs are worked on by their number of labelled joints.
    for count in np.unique(counts).tolist():
        which = np.flatnonzero(counts == count)
        for start in range(0, len(which), _BLOCK):
            some = which[start : start + _BLOCK]
            x, y = (axis[rows[some]] for axis in places)
            oks[some] = (
                _by_joint(everybody, sigmas, x, y, people[some], count)
                if count
                else _in_box(everybody, sigmas, x, y, people[some])
            )
    alike = oks >= LEAST_OKS
    return Candidates(rows[alike], people[alike], oks[alike])


def _terms(
    x: Float64Array,
    y: Float64Array,
    label_x: Float64Array,
    label_y: Float64Array,
    scale: Float64Array,
) -> Float64Array:
    """(N, K) OKS terms; the arrays handed over are overwritten."""
    x -= label_x
    x *= x
    y -= label_y
    y *= y
    x += y
    x *= scale
    with np.errstate(over="ignore"):  # as in similarities
        return np.exp(x, out=x)


def _best(mine: IntArray, theirs: IntArray, oks: Float64Array, scored: IntArray) -> IntArray:
    """Of pairs, ordered by result, the place of each result's best with somebody of ``scored``."""
    pairs = np.flatnonzero(np.isin(theirs, scored))
    if not len(pairs):
        return pairs
    starts = np.flatnonzero(np.diff(mine[pairs], prepend=-1))
    highest = np.maximum.reduceat(oks[pairs], starts)
    sizes = np.diff(np.append(starts, len(pairs)))
    places = np.flatnonzero(oks[pairs] == np.repeat(highest, sizes))
    _, first = np.unique(mine[pairs[places]], return_index=True)
    return np.asarray(pairs[places[first]])


def _by_joint(
    people: People,
    sigmas: Float64Array,
    x: Float64Array,
    y: Float64Array,
    rows: IntArray,
    count: int,
) -> Float64Array:
    labels = people.keypoints[rows]
    joints = np.argsort(labels[..., 2] <= 0, axis=1, kind="stable")[:, :count]
    aways = [
        np.take_along_axis(axis, joints, axis=1)
        for axis in (x - labels[..., 0], y - labels[..., 1])
    ]
    return _mean_of_terms(aways[0], aways[1], sigmas[joints], people.areas[rows])


def _in_box(
    people: People,
    sigmas: Float64Array,
    x: Float64Array,
    y: Float64Array,
    rows: IntArray,
) -> Float64Array:
    """Where nobody labelled a joint, joints are measured by how far outside the box they lie.

    The box is the person's, grown by its own size on each side.
    """
    aways = []
    for axis, place in enumerate((x, y)):
        start, size = people.boxes[rows, axis, None], people.boxes[rows, axis + 2, None]
        low, high = start - size, start + size * 2
        aways.append(np.maximum(0, low - place) + np.maximum(0, place - high))
    return _mean_of_terms(aways[0], aways[1], sigmas[None], people.areas[rows])


def _mean_of_terms(
    x: Float64Array, y: Float64Array, sigmas: Float64Array, areas: Float64Array
) -> Float64Array:
    """(N,), in COCO's order of operations, of distances (N, J)."""
    distance = (x**2 + y**2) / (sigmas * 2) ** 2 / (areas[:, None] + np.spacing(1)) / 2
    with np.errstate(over="ignore"):  # as in similarities
        terms = np.ascontiguousarray(np.exp(-distance))
    return np.asarray(terms.sum(axis=1) / terms.shape[1])


def _in_blocks(of: Callable[[slice], _Result], count: int) -> Sequence[_Result]:
    """A function's results for blocks of ``count`` rows, worked out by a thread for each core."""
    blocks = [slice(start, start + _BLOCK) for start in range(0, count, _BLOCK)]
    if len(blocks) < 2:
        return [of(block) for block in blocks]
    with ThreadPoolExecutor(usable_cores()) as threads:
        return list(threads.map(of, blocks))
