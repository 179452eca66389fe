"""COCO's matching of results with people, for all pictures at once.

The rules are those of ``COCOeval.evaluateImg``: in each picture the twenty best results choose in
the order of their scores, and each takes the person it is most like of those who are still free.
Pictures do not influence each other, so that all results of one rank choose together.

hotcoco and pycocotools match as well, but take a dictionary for each result and give back another
one for each picture: making and reading these costs several times the matching itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mpn_cli.base.arrays import BoolArray, Float64Array, IntArray
from mpn_cli.evaluation.ground_truth import GroundTruth, People
from mpn_cli.evaluation.health import MOST_PER_PICTURE
from mpn_cli.evaluation.matches import AREAS, THRESHOLDS, Matched, Matches
from mpn_cli.evaluation.similarity import Candidates

_BOUNDS = {"all": (0.0, 1e5**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e5**2)}
"""COCO's ranges of areas, pixels squared; both ends belong to the range."""


@dataclass(frozen=True, slots=True)
class Judged:
    """N results as the matching sees them."""

    rows: IntArray
    """(N,) of the file's results, ascending; a result's id is its place here, counted from 1."""
    pictures: IntArray
    """(N,) numbers."""
    categories: IntArray
    """(N,) numbers."""
    scores: Float64Array
    """(N,)."""
    areas: Float64Array
    """(N,) pixels squared."""


@dataclass(frozen=True, slots=True)
class _Side:
    """The results, or the people, of one category: what is written down about them."""

    ids: IntArray
    """(N,)."""
    out: BoolArray
    """(A, N) whether they are out of each range of areas, or need not be found at all."""
    partners: IntArray
    """(A, T, N) ids of whom they are matched with, 0 without."""


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Pairs of one rank, ordered by result, then by OKS, then by person: the last one is best."""

    results: IntArray
    """(C,) places in the category's results."""
    people: IntArray
    """(C,) places in the category's people."""
    oks: Float64Array
    """(C,)."""


def match(
    truth: GroundTruth,
    judged: Judged,
    candidates: Candidates,
    thresholds: Sequence[float] = THRESHOLDS,
    areas: Sequence[str] = AREAS,
    without: IntArray | None = None,
) -> Matches:
    """Match results with people.

    candidates: all pairs whose OKS reaches the lowest of ``thresholds``, by rows of the file; pairs
    whose result is not in ``judged`` are passed over. without: rows of ``truth.people`` who are
    taken for absent.
    """
    pictures = np.array(sorted(truth.images), dtype=np.int64)
    there = np.ones(len(truth.people), np.bool_)
    if without is not None:
        there[without] = False
    groups: dict[tuple[int, str], Matched] = {}
    for category in sorted(set(truth.categories.values())):
        mine = np.flatnonzero(judged.categories == category)
        persons = np.flatnonzero((truth.columns.categories == category) & there)
        if len(mine) or len(persons):
            for area, one in _match_category(
                truth.columns, judged, candidates, mine, persons, pictures, thresholds, areas
            ):
                groups[category, area] = one
    return Matches(pictures.tolist(), tuple(thresholds), groups)


def _match_category(
    people: People,
    judged: Judged,
    candidates: Candidates,
    mine: IntArray,
    persons: IntArray,
    pictures: IntArray,
    thresholds: Sequence[float],
    areas: Sequence[str],
) -> Iterator[tuple[str, Matched]]:
    """One category's matches for each of ``areas``.

    mine: its places in ``judged``; persons: its rows of ``people``.
    """
    mine, ranks = _ranked(judged, mine)
    persons = persons[np.argsort(people.pictures[persons], kind="stable")]
    bounds = np.array([_BOUNDS[area] for area in areas])[:, :, None]
    sizes, persons_sizes = judged.areas[mine], people.areas[persons]
    shape = len(areas), len(thresholds)
    results = _Side(
        mine + 1,
        (sizes < bounds[:, 0]) | (sizes > bounds[:, 1]),
        np.zeros((*shape, len(mine)), np.int64),
    )
    found = _Side(
        persons + 1,
        (persons_sizes < bounds[:, 0]) | (persons_sizes > bounds[:, 1]) | people.ignored[persons],
        np.zeros((*shape, len(persons)), np.int64),
    )
    matched_out = np.zeros((*shape, len(mine)), np.bool_)
    for pairs in _by_rank(judged, candidates, mine, ranks, people, persons):
        _choose(pairs, results, found, matched_out, people.crowd[persons], np.array(thresholds))
    # What is matched with nobody and out of the range itself is neither right nor wrong.
    ignored = matched_out | ((results.partners == 0) & results.out[:, None])
    for number, area in enumerate(areas):
        yield (
            area,
            Matched(
                result_ids=results.ids,
                result_pictures=np.searchsorted(pictures, judged.pictures[mine]),
                scores=judged.scores[mine],
                partners=results.partners[number],
                result_ignored=ignored[number],
                person_ids=found.ids,
                person_pictures=np.searchsorted(pictures, people.pictures[persons]),
                person_ignored=found.out[number],
                found_by=found.partners[number],
            ),
        )


def _ranked(judged: Judged, mine: IntArray) -> tuple[IntArray, IntArray]:
    """The results that are looked at, picture by picture and best first; and their ranks."""
    mine = mine[np.lexsort((-judged.scores[mine], judged.pictures[mine]))]
    first = np.flatnonzero(np.diff(judged.pictures[mine], prepend=-1))
    counts = np.diff(np.append(first, len(mine)))
    ranks = np.arange(len(mine)) - np.repeat(first, counts)
    return mine[ranks < MOST_PER_PICTURE], ranks[ranks < MOST_PER_PICTURE]


def _by_rank(
    judged: Judged,
    candidates: Candidates,
    mine: IntArray,
    ranks: IntArray,
    people: People,
    persons: IntArray,
) -> Iterator[_Pairs]:
    """The category's candidates, those of the best results of all pictures first."""
    place_of_row = _places(judged.rows[mine], int(candidates.rows.max(initial=-1)) + 1)
    place_of_person = _places(persons, len(people.areas))
    results = place_of_row[candidates.rows]
    theirs = place_of_person[candidates.people]
    here = np.flatnonzero((results >= 0) & (theirs >= 0))
    results, theirs, oks = results[here], theirs[here], candidates.oks[here]
    order = np.lexsort((theirs, oks, results, ranks[results]))
    results, theirs, oks = results[order], theirs[order], oks[order]
    ends = np.cumsum(np.bincount(ranks[results], minlength=1))
    for start, end in zip((0, *ends.tolist()), ends.tolist(), strict=False):
        if end > start:
            yield _Pairs(results[start:end], theirs[start:end], oks[start:end])


def _places(rows: IntArray, count: int) -> IntArray:
    """(count,) where each row stands in ``rows``, -1 where it does not."""
    places = np.full(max(count, int(rows.max(initial=-1)) + 1), -1, np.int64)
    places[rows] = np.arange(len(rows))
    return places


def _choose(
    pairs: _Pairs,
    results: _Side,
    people: _Side,
    matched_out: BoolArray,
    crowd: BoolArray,
    thresholds: Float64Array,
) -> None:
    """Let the results of one rank choose, at each threshold and in each range of areas.

    A person who has to be found goes before one who need not; then the more alike; then the later
    in the file.
    """
    count = len(pairs.oks)
    starts = np.flatnonzero(np.diff(pairs.results, prepend=-1))
    chooser = pairs.results[starts]
    free = (people.partners[:, :, pairs.people] == 0) | crowd[pairs.people]
    free &= pairs.oks >= np.minimum(thresholds, 1 - 1e-10)[:, None]
    worth = np.arange(count) + np.where(people.out[:, None, pairs.people], 0, count)
    best = np.maximum.reduceat(np.where(free, worth, -1), starts, axis=2)
    area, threshold, which = np.nonzero(best >= 0)
    person = pairs.people[best[area, threshold, which] % count]
    result = chooser[which]
    results.partners[area, threshold, result] = people.ids[person]
    people.partners[area, threshold, person] = results.ids[result]
    matched_out[area, threshold, result] = people.out[area, person]
