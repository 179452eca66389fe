"""What is odd about a results file, found before its numbers mislead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mpn_cli.base.arrays import Float64Array

MOST_PER_PICTURE = 20
"""COCO's evaluation looks at the best 20 poses of a picture."""

OUTSIDE_SHARE = 0.05
"""Of all joints: more than this outside their picture is odd."""

NORMALISED = 1.5
"""Coordinates that never exceed this are shares of the picture, not pixels."""

MATCH_REACH = 0.1
"""Of a person's size: joints nearer than this to their label are taken for the same joint."""

SHIFT_JOINTS = 200
"""So many matched joints tell a shift of a pixel from chance."""

SHIFT_PEOPLE = 500
"""So many people, evenly through the file, are looked at for it."""


@dataclass(frozen=True, slots=True)
class Found:
    """Results as arrays."""

    pictures: Sequence[int]
    categories: Sequence[int]
    keypoints: Float64Array
    """(N, K, 2) pixels."""
    scores: Float64Array
    """(N,)."""
    strangers: Mapping[int, str] = field(default_factory=dict)
    """What a results file calls pictures with numbers below 0, which the ground truth lacks."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What of the ground truth is looked at."""

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
        _strangers, _silent_pictures, _categories, _scores, _crowded, _doubled, _outside,
        _normalised, _shifted,
    )  # fmt: skip
    return [line for check in checks if (line := check(found, truth))]


def _strangers(found: Found, truth: Labelled) -> str | None:
    strange = [picture for picture in found.pictures if picture not in truth.sizes]
    if not strange:
        return None
    first = max(strange)  # they are counted down from -1
    return (
        f"{len(strange)} results are for {len(set(strange))} pictures that the ground truth does"
        f" not have (first: image id {found.strangers.get(first, first)}); they are left out"
    )


def _silent_pictures(found: Found, truth: Labelled) -> str | None:
    silent = set(truth.pictures) - set(found.pictures)
    if not silent:
        return None
    return (
        f"{len(silent)} of {len(set(truth.pictures))} pictures with labelled people have no result"
        f" (first: image id {min(silent)})"
    )


def _categories(found: Found, truth: Labelled) -> str | None:
    other = Counter(c for c in found.categories if c not in truth.categories.values())
    if not other:
        return None
    return (
        f"{other.total()} results have a category that the ground truth does not have"
        f" ({', '.join(map(str, sorted(other)))}); they count for nothing unless --category says"
        f" which one is meant ({truth.category_names})"
    )


def _scores(found: Found, truth: Labelled) -> str | None:
    if len(found.scores) < 2 or np.ptp(found.scores) > 0:
        return None
    return f"all scores are {found.scores[0]:g}: precision can't be told from their order"


def _crowded(found: Found, truth: Labelled) -> str | None:
    crowded = [n for n in Counter(found.pictures).values() if n > MOST_PER_PICTURE]
    if not crowded:
        return None
    return (
        f"{len(crowded)} pictures have more than {MOST_PER_PICTURE} results (up to"
        f" {max(crowded)}): only the best {MOST_PER_PICTURE} are looked at"
    )


def _doubled(found: Found, truth: Labelled) -> str | None:
    poses = (pose.tobytes() for pose in found.keypoints)
    doubled = len(found.pictures) - len(set(zip(found.pictures, poses, strict=True)))
    return f"{doubled} results stand there twice" if doubled else None


def _outside(found: Found, truth: Labelled) -> str | None:
    pictures, rows = np.unique(found.pictures, return_inverse=True)
    limits = np.array(
        [truth.sizes.get(picture) or (np.inf, np.inf) for picture in pictures.tolist()]
    )
    if np.isinf(limits).all():
        return None
    middle = limits[rows][:, None] / 2
    away = np.abs(found.keypoints - middle) > 1.2 * middle  # a pose cut off reaches a little over
    share = (away[..., 0] | away[..., 1]).mean()
    return (
        f"{share:.0%} of the joints lie outside their pictures" if share > OUTSIDE_SHARE else None
    )


def _normalised(found: Found, truth: Labelled) -> str | None:
    if max(found.keypoints.max(), -found.keypoints.min()) > NORMALISED:
        return None
    return "all coordinates are between 0 and 1: pixels are expected, not shares of the picture"


def _shifted(found: Found, truth: Labelled) -> str | None:
    """A half-pixel convention moves all joints alike."""
    people = range(0, len(truth.pictures), -(-len(truth.pictures) // SHIFT_PEOPLE) or 1)
    by_picture: dict[int, list[int]] = {truth.pictures[person]: [] for person in people}
    for row, picture in enumerate(found.pictures):
        if picture in by_picture:
            by_picture[picture].append(row)
    shifts = []
    for person in people:
        rows = by_picture[truth.pictures[person]]
        if not rows:
            continue
        labels = truth.keypoints[person]
        seen = labels[:, 2] > 0
        away = found.keypoints[rows][:, seen] - labels[seen, :2]
        distance = np.abs(away).max(axis=2)
        best = int(np.median(distance, axis=1).argmin())
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
