"""The numbers by joint, by size and by crowding, from one evaluation's matches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mpn_cli.base.arrays import BoolArray, Float64Array, IntArray
from mpn_cli.evaluation.ground_truth import GroundTruth
from mpn_cli.evaluation.joining import equal_pairs
from mpn_cli.evaluation.matches import Matches
from mpn_cli.evaluation.matching import match
from mpn_cli.evaluation.measuring import Measured
from mpn_cli.evaluation.pck import pck_by_joint
from mpn_cli.evaluation.results import Results
from mpn_cli.evaluation.similarity import LEAST_OKS, similarities

OVERLAP = 0.1
"""IoU of boxes from which people count as overlapping (Ronchi and Perona 2017, section 4.3)."""

SIZES = (("medium", 32.0**2, 96.0**2), ("large", 96.0**2, 192.0**2), ("huge", 192.0**2, np.inf))
"""COCO's medium; its large in two. Areas in pixels squared."""

CROWDING = (("alone", 0, 0), ("1-2 overlap", 1, 2), ("3+ overlap", 3, 10**6))
"""How many others overlap a person."""


@dataclass(frozen=True, slots=True)
class Joint:
    """One joint over all people who have it labelled."""

    name: str
    labelled: int
    found: float
    """Share within OKS 0.5 of the label, of all labelled: missed people count as not found."""
    similarity: float
    """Mean OKS term where the person was found (at OKS 0.5)."""
    pck: float
    """PCK@0.2, see :mod:`mpn_cli.evaluation.pck`: of all labelled, as ``found``."""


@dataclass(frozen=True, slots=True)
class Group:
    """People of a kind."""

    name: str
    people: int
    ar: float
    """Average recall over COCO's ten thresholds; -1 where there are no such people."""
    ap: float
    """AP on the pictures of this kind alone; -1 where that has no meaning."""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What ``mpn eval`` prints below the ten numbers."""

    joints: list[Joint]
    sizes: list[Group]
    crowding: list[Group]


@dataclass(frozen=True, slots=True)
class Belonging:
    """Results matched with people from ``LEAST_OKS`` on, however badly their joints are placed."""

    pairs: IntArray
    """(P, 2) rows of ``GroundTruth.scored`` and of ``Results``."""
    alone: IntArray
    """Rows of results that are matched with nobody."""


def break_down(truth: GroundTruth, results: Results, measured: Measured) -> Breakdown:
    """The breakdown of results; measured: what ``measure`` says about them."""
    matches = measured.evaluation.matches
    recalls = _recall_by_person(truth, matches)
    crowding = overlapping(truth)
    pictures = np.array(matches.pictures, dtype=np.int64)
    most = np.zeros(len(pictures), np.int64)
    if len(pictures):  # none where there are no results
        np.maximum.at(most, np.searchsorted(pictures, truth.picture_of), crowding)
    return Breakdown(
        _joints(truth, results, measured),
        [
            _group(name, recalls, (truth.areas >= low) & (truth.areas < high), -1.0)
            for name, low, high in SIZES
        ],
        [
            _group(
                name,
                recalls,
                (crowding >= low) & (crowding <= high),
                matches.ap(((most >= low) & (most <= high)).astype(np.int64)),
            )
            for name, low, high in CROWDING
        ],
    )


def overlapping(truth: GroundTruth) -> IntArray:
    """(S,) for each of ``truth.scored`` how many other people's boxes overlap its own."""
    boxed = np.array([one.bbox is not None for one in truth.people], dtype=np.bool_)
    rows = np.flatnonzero(boxed & ~truth.columns.crowd)
    boxes, pictures = truth.columns.boxes[rows], truth.columns.pictures[rows]
    a, b = equal_pairs(pictures, pictures)
    areas, ends = boxes[:, 2] * boxes[:, 3], boxes[:, :2] + boxes[:, 2:]
    sides = (np.minimum(ends[a], ends[b]) - np.maximum(boxes[a, :2], boxes[b, :2])).clip(0)
    inner = sides[:, 0] * sides[:, 1]
    share = inner / np.maximum(areas[a] + areas[b] - inner, np.spacing(1))
    counts = np.zeros(len(truth.people), np.int64)
    counts[rows] = np.maximum(np.bincount(a[share >= OVERLAP], minlength=len(rows)) - 1, 0)
    return counts[truth.scored_rows]


def belonging(truth: GroundTruth, results: Results, measured: Measured) -> Belonging:
    """Who belongs to whom, and which results belong to nobody."""
    if not len(results.rows):
        return Belonging(np.empty((0, 2), np.int64), np.empty(0, np.int64))
    matches = match(truth, measured.judged, measured.candidates, [LEAST_OKS], ["all"])
    alone = [
        results.rows[group.result_ids[(group.partners[0] == 0) & ~group.result_ignored[0]] - 1]
        for group in matches.everywhere()
    ]
    return Belonging(pairs(truth, results, matches), np.concatenate(alone))


def pairs(truth: GroundTruth, results: Results, matches: Matches) -> IntArray:
    """(P, 2) rows of ``truth.scored`` and of ``results`` matched at the lowest threshold."""
    place = _scored_places(truth)
    both = [np.empty((0, 2), np.int64)]
    for group in matches.everywhere():
        people, found = place[group.person_ids - 1], group.found_by[0]
        here = (found > 0) & (people >= 0)
        both.append(np.column_stack([people[here], results.rows[found[here] - 1]]))
    return np.concatenate(both)


def _scored_places(truth: GroundTruth) -> IntArray:
    """(M,) where each of ``truth.people`` stands in ``truth.scored``, -1 where they do not."""
    place = np.full(len(truth.people), -1, np.int64)
    place[truth.scored_rows] = np.arange(len(truth.scored_rows))
    return place


def _recall_by_person(truth: GroundTruth, matches: Matches) -> Float64Array:
    """(S,) share of the thresholds at which each person was found."""
    recalls = np.zeros(len(truth.people))
    for group in matches.everywhere():
        recalls[group.person_ids - 1] = (group.found_by > 0).mean(axis=0)
    return recalls[truth.scored_rows]


def _joints(truth: GroundTruth, results: Results, measured: Measured) -> list[Joint]:
    terms = np.full((len(truth.scored), len(truth.names)), np.nan)
    matched = pairs(truth, results, measured.evaluation.matches)
    if len(matched):
        people, rows = matched.T
        terms[people] = similarities(
            results.keypoints[rows, :, :2],
            truth.keypoints[people, :, :2],
            truth.areas[people],
            truth.sigmas,
        )
    labelled = truth.keypoints[..., 2] > 0
    pck = pck_by_joint(truth, results, belonging(truth, results, measured).pairs)
    joints = []
    for joint, name in enumerate(truth.names):
        mine = terms[labelled[:, joint], joint]
        seen = mine[~np.isnan(mine)]
        joints.append(
            Joint(
                name,
                len(mine),
                float((seen >= 0.5).sum() / len(mine)) if len(mine) else -1.0,
                float(seen.mean()) if len(seen) else -1.0,
                float(pck[joint]),
            )
        )
    return joints


def _group(name: str, recalls: Float64Array, members: BoolArray, ap: float) -> Group:
    return Group(
        name, int(members.sum()), float(recalls[members].mean()) if members.any() else -1.0, ap
    )
