"""Results for a ground truth, read from a COCO file and fitted to its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mpn_cli.base.arrays import BoolArray, Float64Array, IntArray
from mpn_cli.base.errors import InputError
from mpn_cli.evaluation.ground_truth import GroundTruth
from mpn_cli.evaluation.health import Found
from mpn_cli.evaluation.naming import match_pictures
from mpn_cli.formats.coco import LARGEST_ID, Id
from mpn_cli.formats.pose_results import PoseResults, content_of
from mpn_cli.formats.pose_results import read_results as read_columns


@dataclass(frozen=True)
class Results:
    """COCO keypoint results in a ground truth's numbers; row n is the file's result n."""

    file: Path
    poses: PoseResults
    """As they stand in the file."""
    pictures: IntArray
    """(N,) the ground truth's numbers; below 0 where it does not have the picture."""
    numbers: Mapping[Id, int]
    """Those numbers by the ids that the file gives its pictures."""
    categories: IntArray
    """(N,) the ground truth's numbers; below 0 where it does not have the category."""
    known: BoolArray
    """(N,) whether the ground truth has the picture; what has none of its categories counts for
    nothing, as in COCO's evaluation, but is left out only where no engine takes its category."""
    notes: list[str] = field(default_factory=list)
    """What was changed to make them fit the ground truth, one line for each change."""

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def keypoints(self) -> Float64Array:
        """(N, K, 3): pixels, confidence."""
        return self.poses.keypoints

    @cached_property
    def places(self) -> tuple[Float64Array, Float64Array]:
        """X (N, K) and y (N, K), each in an array of its own, which is faster to work with."""
        x, y = (np.ascontiguousarray(self.keypoints[..., axis]) for axis in (0, 1))
        return x, y

    @property
    def scores(self) -> Float64Array:
        """(N,)."""
        return self.poses.scores

    def found(self) -> Found:
        """The results as the health check takes them."""
        names = {number: str(name) for name, number in self.numbers.items() if number < 0}
        return Found(self.pictures, self.categories, self.keypoints, self.scores, names)

    def content(self) -> list[dict[str, Any]]:
        """The results for known pictures, as hotcoco and pycocotools take them."""
        rows = self.rows
        # COCO's evaluation measures a result by its box where the file has boxes.
        boxes = [self.poses.boxes[row] or [] for row in rows.tolist()] if self.poses.boxed else None
        return content_of(
            self.keypoints[rows],
            self.scores[rows],
            self.pictures[rows].tolist(),
            self.categories[rows].tolist(),
            boxes,
        )

    @cached_property
    def rows(self) -> IntArray:
        """(N',) this file's row of each result of ``content``."""
        return np.flatnonzero(self.known)


def read_results(file: Path, truth: GroundTruth) -> Results:
    """Results for a ground truth. Raises InputError."""
    poses = read_columns(file, len(truth.names), "the ground truth")
    fitted = fit(file, poses, truth)
    return Results(
        file,
        poses,
        fitted.pictures,
        fitted.numbers,
        fitted.categories,
        fitted.known,
        fitted.notes,
    )


@dataclass(frozen=True)
class Fitted:
    """Pictures and categories of N results, in the ground truth's numbers."""

    pictures: IntArray
    """(N,); below 0 where the ground truth does not have the picture."""
    numbers: Mapping[Id, int]
    """The pictures' numbers by the results' ids."""
    categories: IntArray
    """(N,)."""
    known: BoolArray
    """(N,) whether an engine can be asked about it, as in ``Results``."""
    notes: list[str]


def fit(file: Path, poses: PoseResults, truth: GroundTruth) -> Fitted:
    """Results' pictures and categories in a ground truth. Raises InputError where it has none."""
    matched = match_pictures(truth.pictures, poses.image_ids, poses.file_names, file)
    pictures = np.array([matched.numbers[one] for one in poses.image_ids], dtype=np.int64)
    category_numbers, notes = _result_categories(truth, set(poses.category_ids))
    categories = np.array([category_numbers[one] for one in poses.category_ids], dtype=np.int64)
    there = pictures >= 0
    if len(poses) and not there.any():
        raise InputError(
            f"{file}: none of its pictures is in {truth.file} (first: image id"
            f" {poses.image_ids[0]})"
        )
    known = there & (categories >= 0)
    return Fitted(pictures, matched.numbers, categories, known, [*matched.notes, *notes])


def _result_categories(truth: GroundTruth, given: set[Id]) -> tuple[dict[Id, int], list[str]]:
    """The ground truth's numbers by the results' category ids, and what is odd.

    They are below 0 where the ground truth has no such category. Where the user has chosen one
    category and the results have none of the ground truth's (as Ultralytics counts from 0), that
    one is meant.
    """
    numbers: dict[Id, int] = dict(truth.categories)
    strange = given - truth.categories.keys()
    chosen = next(iter(truth.categories.values()))
    notes: list[str] = []
    for place, one in enumerate(sorted(strange, key=str), 1):
        # Numbers of other categories than the ground truth's stay what they are, for messages.
        free = isinstance(one, int) and 0 <= one < LARGEST_ID
        free = free and one not in truth.categories.values()
        numbers[one] = int(one) if free else -place
    others = strange & truth.other_categories
    if truth.chosen and strange and strange == given and not others:
        numbers |= dict.fromkeys(strange, chosen)
        listed = ", ".join(sorted(map(str, strange)))
        notes.append(
            f"results of category {listed}, which the ground truth does not have, are"
            " taken for the one that --category says"
        )
    return numbers, notes
