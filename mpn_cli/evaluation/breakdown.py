"""The numbers by joint, by size and by crowding, from one evaluation's matches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mpn_cli.base.arrays import BoolArray, Float64Array, IntArray
from mpn_cli.evaluation.ground_truth import GroundTruth
from mpn_cli.evaluation.joining import equal_pairs
from mpn_cli.evaluation.matches import Matches
from mpn_cli.evaluation.results import Results

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


def similarities(
    found: Float64Array, labels: Float64Array, areas: Float64Array, sigmas: Float64Array
) -> Float64Array:
    """COCO's OKS terms (..., K) of joints (..., K, 2) against labels (..., K, 2), in 0..1.

    ``areas``: (...), the labelled people's, pixels squared.
    """
    x, y = np.moveaxis(found - labels, -1, 0)
    squared = x * x + y * y
    spread = 2 * (2 * sigmas) ** 2
    terms: Float64Array = np.exp(-squared / (spread * (areas[..., None] + np.spacing(1))))
    return terms


def break_down(truth: GroundTruth, results: Results, matches: Matches) -> Breakdown:
    """The breakdown of results whose ``matches`` come from ``keypoint_evaluation``."""
    recalls = _recall_by_person(truth, matches)
    crowding = overlapping(truth)
    most = np.zeros(len(matches.pictures), np.int64)
    place = {picture: number for number, picture in enumerate(matches.pictures)}
    for person, others in zip(truth.scored, crowding, strict=True):
        if person.image_id in place:
            most[place[person.image_id]] = max(most[place[person.image_id]], others)
    return Breakdown(
        _joints(truth, results, matches),
        [
            _group(name, recalls, (truth.areas >= low) & (truth.areas < high), -1.0)
            for name, low, high in SIZES
        ],
        [
            _group(
                name,
                recalls,
                (crowding >= low) & (crowding <= high),
                matches.ap(((most >= low) & (most <= high)).astype(np.float64)),
            )
            for name, low, high in CROWDING
        ],
    )


def overlapping(truth: GroundTruth) -> IntArray:
    """(M,) for each of ``truth.scored`` how many other people's boxes overlap its own."""
    people = [one for one in truth.people if not one.iscrowd and one.bbox is not None]
    boxes = np.array([one.bbox for one in people], dtype=np.float64).reshape(-1, 4)
    pictures = np.array([one.image_id for one in people], dtype=np.int64)
    a, b = equal_pairs(pictures, pictures)
    areas, ends = boxes[:, 2] * boxes[:, 3], boxes[:, :2] + boxes[:, 2:]
    sides = (np.minimum(ends[a], ends[b]) - np.maximum(boxes[a, :2], boxes[b, :2])).clip(0)
    inner = sides[:, 0] * sides[:, 1]
    share = inner / np.maximum(areas[a] + areas[b] - inner, np.spacing(1))
    others = np.bincount(a[share >= OVERLAP], minlength=len(people)) - 1
    counts = {one.id: max(count, 0) for one, count in zip(people, others.tolist(), strict=True)}
    return np.array([counts.get(one.id, 0) for one in truth.scored], dtype=np.int64)


def pairs(truth: GroundTruth, results: Results, matches: Matches) -> list[tuple[int, int]]:
    """Rows of ``truth.scored`` and of ``results`` matched at the lowest threshold."""
    rows = {person.id: row for row, person in enumerate(truth.scored)}
    return [
        (rows[int(person)], int(results.rows[result - 1]))
        for group in matches.everywhere()
        for person, result in zip(group.person_ids, group.found_by[0], strict=True)
        if result > 0 and int(person) in rows
    ]


def _recall_by_person(truth: GroundTruth, matches: Matches) -> Float64Array:
    """(M,) share of the thresholds at which each person was found."""
    recalls: dict[int, float] = {}
    for group in matches.everywhere():
        shares = (group.found_by > 0).mean(axis=0)
        recalls |= {
            int(person): float(share)
            for person, share in zip(group.person_ids, shares, strict=True)
        }
    return np.array([recalls.get(one.id, 0.0) for one in truth.scored])


def _joints(truth: GroundTruth, results: Results, matches: Matches) -> list[Joint]:
    terms = np.full((len(truth.scored), len(truth.names)), np.nan)
    matched = pairs(truth, results, matches)
    if matched:
        people, rows = np.array(matched).T
        terms[people] = similarities(
            results.keypoints[rows, :, :2],
            truth.keypoints[people, :, :2],
            truth.areas[people],
            truth.sigmas,
        )
    labelled = truth.keypoints[..., 2] > 0
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
            )
        )
    return joints


def _group(name: str, recalls: Float64Array, members: BoolArray, ap: float) -> Group:
    return Group(
        name, int(members.sum()), float(recalls[members].mean()) if members.any() else -1.0, ap
    )
