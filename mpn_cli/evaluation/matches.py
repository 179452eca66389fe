"""Who was matched with whom, and COCO's numbers from that for any weighting of the pictures.

The engine matches once; intervals, differences and breakdowns are sums over its matches.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mpn_cli.base.arrays import BoolArray, Float64Array, IntArray

AREAS = ("all", "medium", "large")
"""COCO's ranges of a person's area, in the order of its keypoint evaluation."""

NAMES = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")
"""COCO's ten keypoint numbers, in its order."""

RECALLS = np.linspace(0.0, 1.0, 101)
"""Where COCO reads the precision off."""


@dataclass(frozen=True)
class Matched:
    """One category and range of areas: N results, M people, T thresholds."""

    result_ids: IntArray
    """(N,) as loadRes gives them: the result's number, counted from 1."""
    result_pictures: IntArray
    """(N,) index of the picture."""
    scores: Float64Array
    """(N,)."""
    partners: IntArray
    """(T, N) id of the person each result is matched with, 0 without."""
    result_ignored: BoolArray
    """(T, N) neither right nor wrong: out of the range, or matched with a crowd."""
    person_ids: IntArray
    """(M,)."""
    person_pictures: IntArray
    """(M,)."""
    person_ignored: BoolArray
    """(M,)."""
    found_by: IntArray
    """(T, M) id of the result each person is matched with, 0 without."""

    @cached_property
    def _pictures_judged(self) -> IntArray:
        """(N',) of the results that count at some threshold, best first."""
        return self.result_pictures[self._judged]

    @cached_property
    def _judged(self) -> IntArray:
        order = np.argsort(-self.scores, kind="mergesort")
        never: BoolArray = np.asarray(self.result_ignored.all(axis=0))
        judged: IntArray = order[~never[order]]
        return judged

    @cached_property
    def _curves(self) -> list[_Curve]:
        pictures = self._pictures_judged
        curves = []
        for partners, ignored in zip(
            self.partners[:, self._judged], self.result_ignored[:, self._judged], strict=True
        ):
            right, out = np.flatnonzero((partners > 0) & ~ignored), np.flatnonzero(ignored)
            curves.append(
                _Curve(right, pictures[right], pictures[out], np.searchsorted(out, right))
            )
        return curves

    @cached_property
    def _pictures_scored(self) -> IntArray:
        """Of each person who has to be found."""
        return self.person_pictures[~self.person_ignored]

    def summed(self, weights: Float64Array) -> tuple[Float64Array, Float64Array] | None:
        """Average precision (T,) and recall (T,), a picture counted as often as its weight says.

        weights: (P,) whole numbers, by index of the picture. None where nobody has to be found.
        """
        people = weights[self._pictures_scored].sum()
        if not people:
            return None
        every, needed = np.cumsum(weights[self._pictures_judged]), right_needed(people)
        both = [curve.summed(weights, every, people, needed) for curve in self._curves]
        return np.array([ap for ap, _ in both]), np.array([recall for _, recall in both])

    def curve(self, threshold: int) -> Float64Array:
        """(101,) precision at COCO's recalls, for the threshold of that number."""
        weights = np.ones(int(self.result_pictures.max(initial=0)) + 1)
        every = np.cumsum(weights[self._pictures_judged])
        people = max(len(self._pictures_scored), 1)
        return self._curves[threshold].precision(weights, every, right_needed(people))[0]


@dataclass(frozen=True, slots=True)
class _Curve:
    """Precision against recall at one threshold; only right results can raise it."""

    right: IntArray
    """Places of the right results among all, best first."""
    pictures: IntArray
    """Of the right results."""
    ignored_pictures: IntArray
    """Of those ignored at this threshold."""
    ignored_before: IntArray
    """For each right result how many of the ignored stand before it."""

    def summed(
        self, weights: Float64Array, every: Float64Array, people: float, needed: Float64Array
    ) -> tuple[float, float]:
        """Average precision and the recall reached; see :meth:`precision`."""
        precision, right = self.precision(weights, every, needed)
        return float(precision.mean()), right / people

    def precision(
        self, weights: Float64Array, every: Float64Array, needed: Float64Array
    ) -> tuple[Float64Array, float]:
        """(101,), and how many results are right.

        every: the running sum of all results' weights; needed: of :func:`right_needed`.
        """
        if not len(self.right):
            return np.zeros(len(RECALLS)), 0.0
        right = weights[self.pictures].cumsum()
        judged = every[self.right]
        if len(self.ignored_pictures):
            out = np.zeros(len(self.ignored_pictures) + 1)
            weights[self.ignored_pictures].cumsum(out=out[1:])
            judged -= out[self.ignored_before]
        np.maximum(judged, np.spacing(1), out=judged)
        precision = np.append(right / judged, 0.0)
        # The best precision from each recall on: of each stretch, then of all behind it.
        stretches = np.maximum.reduceat(precision, right.searchsorted(needed))
        return np.maximum.accumulate(stretches[::-1])[::-1], float(right[-1])


def right_needed(people: float) -> Float64Array:
    """(101,) how many results must be right to reach each of ``RECALLS``, of so many people.

    A recall is a quotient rounded as COCO rounds it; these are the least whole numbers whose
    quotient is large enough.
    """
    near = np.floor(RECALLS * people) + np.arange(-1, 3)[:, None]
    enough = near / people >= RECALLS
    return np.asarray(np.take_along_axis(near, enough.argmax(axis=0)[None], axis=0)[0])


@dataclass(frozen=True)
class Matches:
    """Everything an evaluation matched."""

    pictures: list[int]
    """Ids; indices of pictures count through these."""
    thresholds: tuple[float, ...]
    """OKS a result must reach."""
    groups: dict[tuple[int, str], Matched]
    """By category and one of ``AREAS``."""

    def everywhere(self) -> Iterable[Matched]:
        """The groups of all areas."""
        return [group for (_, area), group in self.groups.items() if area == "all"]

    def ap(self, weights: Float64Array) -> float:
        """AP over all areas, -1 where nobody has to be found."""
        sums = [both for group in self.everywhere() if (both := group.summed(weights)) is not None]
        return float(np.mean([precision for precision, _ in sums])) if sums else -1.0

    def numbers(self, weights: Float64Array) -> Float64Array:
        """COCO's ten numbers, a picture (index) counted as often as ``weights`` says."""
        ap, ar = {}, {}
        for area in AREAS:
            sums = [
                both
                for (_, of), group in self.groups.items()
                if of == area and (both := group.summed(weights)) is not None
            ]
            if sums:
                ap[area] = np.mean([one for one, _ in sums], axis=0)
                ar[area] = np.mean([one for _, one in sums], axis=0)
        halves = [self.thresholds.index(value) for value in (0.5, 0.75)]
        return np.array([
            value
            for by_area in (ap, ar)
            for value in (
                _mean(by_area, "all"),
                *(float(by_area["all"][one]) if "all" in by_area else -1.0 for one in halves),
                _mean(by_area, "medium"),
                _mean(by_area, "large"),
            )
        ])  # fmt: skip


def _mean(by_area: dict[str, Float64Array], area: str) -> float:
    return float(by_area[area].mean()) if area in by_area else -1.0
