"""Who was matched with whom, and COCO's numbers from that for any weighting of the pictures.

The engine matches once; intervals, differences and breakdowns are sums over its matches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from mpn_cli.base.arrays import BoolArray, Float64Array, IntArray

AREAS = ("all", "medium", "large")
"""COCO's ranges of a person's area, in the order of its keypoint evaluation."""

NAMES = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")
"""COCO's ten keypoint numbers, in its order."""

THRESHOLDS = tuple(np.linspace(0.5, 0.95, 10).tolist())
"""COCO's: the OKS a result must reach to be right."""

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
    def _judged(self) -> IntArray:
        """(N',) the results that count at some threshold, best first."""
        order = np.argsort(-self.scores, kind="mergesort")
        never: BoolArray = np.asarray(self.result_ignored.all(axis=0))
        judged: IntArray = order[~never[order]]
        return judged

    @cached_property
    def _pictures_judged(self) -> IntArray:
        return self.result_pictures[self._judged]

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

    def summed(self, weights: IntArray) -> Sums:
        """Precision and recall where a picture counts as often as its weight says.

        weights: (W, P), by index of the picture: W such countings at once.
        """
        people = weights[:, self._pictures_scored].sum(axis=1)
        every = weights.take(self._pictures_judged, axis=1).cumsum(axis=1)
        needed = np.array([right_needed(max(count, 1)) for count in people.tolist()])
        both = [curve.summed(weights, every, needed) for curve in self._curves]
        there = people > 0
        precision = np.stack([one for one, _ in both], axis=1)
        recall = np.stack([right for _, right in both], axis=1) / np.maximum(people, 1)[:, None]
        return Sums(there, precision, recall)

    def curve(self, threshold: int) -> Float64Array:
        """(101,) precision at COCO's recalls, for the threshold of that number."""
        weights = np.ones((1, int(self.result_pictures.max(initial=0)) + 1), np.int64)
        every = weights[:, self._pictures_judged].cumsum(axis=1)
        needed = right_needed(max(len(self._pictures_scored), 1))
        precision, _ = self._curves[threshold].summed(weights, every, needed[None])
        return np.asarray(precision[0])


@dataclass(frozen=True, slots=True)
class Sums:
    """Of W countings of the pictures, at T thresholds."""

    there: BoolArray
    """(W,) whether anybody has to be found; the numbers mean nothing where nobody has."""
    precision: Float64Array
    """(W, T, 101) at ``RECALLS``."""
    recall: Float64Array
    """(W, T) the recall reached."""


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
        self, weights: IntArray, every: IntArray, needed: IntArray
    ) -> tuple[Float64Array, IntArray]:
        """Precision (W, 101) at ``RECALLS``, and how many results are right (W,).

        every: (W, N') the running sums of all results' weights; needed: (W, 101) of
        :func:`right_needed`.
        """
        count, times = len(self.right), len(weights)
        if not count:
            return np.zeros((times, len(RECALLS))), np.zeros(times, np.int64)
        right = weights.take(self.pictures, axis=1).cumsum(axis=1)
        judged = every.take(self.right, axis=1)
        if len(self.ignored_pictures):
            out = np.zeros((times, len(self.ignored_pictures) + 1), np.int64)
            weights.take(self.ignored_pictures, axis=1).cumsum(axis=1, out=out[:, 1:])
            judged -= out.take(self.ignored_before, axis=1)
        # A column of zeros behind the last result is the precision of recalls never reached.
        precision = np.zeros((times, count + 1))
        np.divide(right, judged + np.spacing(1), out=precision[:, :-1])
        # The best precision from each recall on: of each stretch, then of all behind it.
        starts = np.array([a.searchsorted(b) for a, b in zip(right, needed, strict=True)])
        starts += np.arange(times)[:, None] * (count + 1)
        stretches = np.maximum.reduceat(precision.ravel(), starts.ravel()).reshape(times, -1)
        return np.maximum.accumulate(stretches[:, ::-1], axis=1)[:, ::-1], right[:, -1]


@lru_cache(maxsize=4096)
def right_needed(people: int) -> IntArray:
    """(101,) how many results must be right to reach each of ``RECALLS``, of so many people.

    A recall is a quotient rounded as COCO rounds it; these are the least whole numbers whose
    quotient is large enough.
    """
    near = np.floor(RECALLS * people) + np.arange(-1, 3)[:, None]
    enough = near / people >= RECALLS
    first = np.take_along_axis(near, enough.argmax(axis=0)[None], axis=0)[0]
    return np.asarray(first.astype(np.int64))


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

    def ap(self, weights: IntArray) -> float:
        """AP over all areas, -1 where nobody has to be found.

        weights: (P,) how often each picture (index) counts.
        """
        return float(_mean_precision(self._summed("all", weights[None]), None)[0])

    def numbers(self, weights: IntArray) -> Float64Array:
        """(W, 10) COCO's numbers, a picture (index) counted as often as ``weights`` (W, P) says.

        Where every picture counts once they are those of COCO's evaluation, to the last bit.
        """
        everyone, medium, large = (self._summed(area, weights) for area in AREAS)
        half, three_quarters = (self.thresholds.index(value) for value in (0.5, 0.75))
        return np.stack(
            [
                mean(sums, threshold)
                for mean in (_mean_precision, _mean_recall)
                for sums, threshold in (
                    (everyone, None),
                    (everyone, half),
                    (everyone, three_quarters),
                    (medium, None),
                    (large, None),
                )
            ],
            axis=1,
        )

    def _summed(self, area: str, weights: IntArray) -> list[Sums]:
        return [group.summed(weights) for (_, of), group in self.groups.items() if of == area]


def _mean_precision(of: Sequence[Sums], threshold: int | None) -> Float64Array:
    return _means([one.there for one in of], [one.precision for one in of], threshold)


def _mean_recall(of: Sequence[Sums], threshold: int | None) -> Float64Array:
    return _means([one.there for one in of], [one.recall for one in of], threshold)


def _means(
    there: Sequence[BoolArray], values: Sequence[Float64Array], threshold: int | None
) -> Float64Array:
    """(W,) means over the categories in which anybody has to be found; -1 where there is none.

    values: (W, T) or (W, T, 101) of each category. The mean is taken over all values in COCO's
    order, categories last, since the order decides the last bit of a sum.
    """
    if not values:
        return np.full(1, -1.0)
    every = np.stack(values, axis=-1)
    if threshold is not None:
        every = every[:, threshold]
    known = np.stack(there, axis=-1)
    if known.all():
        return np.asarray(every.reshape(len(every), -1).mean(axis=1))
    return np.array(
        [
            one[..., here].mean() if here.any() else -1.0
            for one, here in zip(every, known, strict=True)
        ]
    )
