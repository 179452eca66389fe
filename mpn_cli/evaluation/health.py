"""What is odd about a results file, found before its numbers mislead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from mpn_cli.base.arrays import Float64Array, IntArray

MOST_PER_PICTURE = 20
"""COCO's evaluation looks at the best 20 poses of a picture."""

OUTSIDE_SHARE = 0.05
"""It is odd if a larger share of all joints lies outside their pictures."""

NORMALISED = 1.5
"""If no coordinate exceeds this, they are shares of the picture, not pixels."""

MATCH_REACH = 0.1
"""Joints within this share of the person's size from a label are taken for the same joint."""

SHIFT_JOINTS = 200
"""Fewer matched joints can't tell a shift by a pixel from chance."""

SHIFT_PEOPLE = 500
"""The most people who are looked at for it, spread evenly over the file."""

_ODD_FACTOR = 6364136223846793005
"""Knuth's multiplier of MMIX: its powers modulo 2**64 are as good as random factors of a hash."""

_FIRST = 100
"""How many poses are looked at before all of them are."""


@dataclass(frozen=True, eq=False)
class Found:
    """Results as arrays."""

    pictures: IntArray
    """(N,)."""
    categories: IntArray
    """(N,)."""
    keypoints: Float64Array
    """(N, K, 3): pixels, confidence."""
    scores: Float64Array
    """(N,)."""
    strangers: Mapping[int, str] = field(default_factory=dict)
    """What the results call pictures that the ground truth lacks, by number (below 0)."""

    @cached_property
    def by_picture(self) -> tuple[IntArray, IntArray, IntArray]:
        """The pictures (P,) that have results, each result's place among them (N,), counts (P,)."""
        pictures, places, counts = np.unique(self.pictures, return_inverse=True, return_counts=True)
        return pictures, places, counts


@dataclass(frozen=True, slots=True)
class Labelled:
    """The parts of a ground truth that the check looks at."""

    sizes: dict[int, tuple[float, float] | None]
    """Width and height by picture, where they are known."""
    categories: Mapping[Any, int]
    """Numbers by id."""
    pictures: Sequence[int]
    """Of each labelled person."""
    keypoints: Float64Array
    """(M, K, 3)."""
    areas: Float64Array
    """(M,) pixels squared."""
    category_names: str = ""
    """For a message."""


def odd_things(found: Found, truth: Labelled) -> list[str]:
    """One line for each thing that is odd."""
    if not len(found.pictures):
        return ["there are no results at all"]
    checks = (
        _strangers,
        _silent_pictures,
        _categories,
        _scores,
        _crowded,
        _doubled,
        _outside,
        _normalised,
        _shifted,
    )
    return [line for check in checks if (line := check(found, truth))]


def _strangers(found: Found, truth: Labelled) -> str | None:
    pictures, _, counts = found.by_picture
    strange = np.array([picture not in truth.sizes for picture in pictures.tolist()])
    if not strange.any():
        return None
    first = int(pictures[strange].max())  # they are counted down from -1
    return (
        f"{counts[strange].sum()} results are for {strange.sum()} pictures that the ground truth"
        f" does not have (first: image id {found.strangers.get(first, first)}); they are left out"
    )


def _silent_pictures(found: Found, truth: Labelled) -> str | None:
    silent = set(truth.pictures) - set(found.by_picture[0].tolist())
    if not silent:
        return None
    return (
        f"{len(silent)} of {len(set(truth.pictures))} pictures with labelled people have no result"
        f" (first: image id {min(silent)})"
    )


def _categories(found: Found, truth: Labelled) -> str | None:
    known = list(truth.categories.values())
    categories, counts = np.unique(found.categories, return_counts=True)
    other = ~np.isin(categories, known)
    if not other.any():
        return None
    return (
        f"{counts[other].sum()} results have a category that the ground truth does not have"
        f" ({', '.join(map(str, categories[other].tolist()))}); they count for nothing unless"
        f" --category says which one is meant ({truth.category_names})"
    )


def _scores(found: Found, truth: Labelled) -> str | None:
    if len(found.scores) < 2 or np.ptp(found.scores) > 0:
        return None
    return f"all scores are {found.scores[0]:g}: precision can't be told from their order"


def _crowded(found: Found, truth: Labelled) -> str | None:
    counts = found.by_picture[2]
    crowded = counts > MOST_PER_PICTURE
    if not crowded.any():
        return None
    return (
        f"{crowded.sum()} pictures have more than {MOST_PER_PICTURE} results (up to"
        f" {counts.max()}): only the best {MOST_PER_PICTURE} are looked at"
    )


def _doubled(found: Found, truth: Labelled) -> str | None:
    # Equal poses have equal sums; of poses with equal sums it is looked whether they are equal.
    joints = found.keypoints.shape[1]
    factors = np.cumprod(np.full(3 * joints, _ODD_FACTOR)).reshape(joints, 3)
    factors[:, 2] = 0  # places alone count
    bits = found.keypoints.view(np.int64).reshape(len(found.pictures), 3 * joints)
    _, places, counts = np.unique(
        bits @ factors.ravel() + found.pictures, return_inverse=True, return_counts=True
    )
    alike = np.flatnonzero(counts[places] > 1)
    different = {
        (int(found.pictures[row]), found.keypoints[row, :, :2].tobytes()) for row in alike.tolist()
    }
    doubled = len(alike) - len(different)
    return f"{doubled} results appear twice" if doubled else None


def _outside(found: Found, truth: Labelled) -> str | None:
    pictures, rows, _ = found.by_picture
    limits = np.array(
        [truth.sizes.get(picture) or (np.inf, np.inf) for picture in pictures.tolist()]
    )
    if np.isinf(limits).all():
        return None
    middle = limits[rows] / 2
    outside = np.zeros(found.keypoints.shape[:2], np.bool_)
    for axis in (0, 1):
        away = found.keypoints[..., axis] - middle[:, axis, None]
        np.abs(away, out=away)
        outside |= away > 1.2 * middle[:, axis, None]  # a pose cut off reaches a little over
    share = outside.mean()
    return (
        f"{share:.0%} of the joints lie outside their pictures" if share > OUTSIDE_SHARE else None
    )


def _normalised(found: Found, truth: Labelled) -> str | None:
    # The first poses nearly always tell; all have to be looked at where they don't.
    for places in (found.keypoints[:_FIRST, :, :2], found.keypoints[..., :2]):
        if max(places.max(), -places.min()) > NORMALISED:
            return None
    return "all coordinates are between 0 and 1: pixels are expected, not shares of the picture"


def _shifted(found: Found, truth: Labelled) -> str | None:
    """A half-pixel convention moves all joints alike."""
    people = range(0, len(truth.pictures), -(-len(truth.pictures) // SHIFT_PEOPLE) or 1)
    pictures, places, counts = found.by_picture
    rows_by_picture, ends = np.argsort(places, kind="stable"), np.cumsum(counts)
    place_of = {picture: place for place, picture in enumerate(pictures.tolist())}
    shifts = []
    for person in people:
        place = place_of.get(truth.pictures[person])
        if place is None:
            continue
        rows = rows_by_picture[ends[place] - counts[place] : ends[place]]
        labels = truth.keypoints[person]
        seen = labels[:, 2] > 0
        away = found.keypoints[rows][:, seen, :2] - labels[seen, :2]
        distance = np.abs(away).max(axis=2)
        middle = distance.shape[1] // 2
        best = int(np.partition(distance, middle, axis=1)[:, middle].argmin())
        near = distance[best] < MATCH_REACH * np.sqrt(max(truth.areas[person], 0))
        shifts.append(away[best][near])
    joined = np.concatenate(shifts) if shifts else np.empty((0, 2))
    if len(joined) < SHIFT_JOINTS:
        return None
    x, y = np.median(joined, axis=0)
    if min(abs(x), abs(y)) < 0.8 or abs(x - y) > 0.4:
        return None
    return (
        f"joints lie {x:+.1f}, {y:+.1f} pixels from their labels in the middle: off by one pixel,"
        " perhaps counted from 1"
    )
