"""What kind of mistake each joint is, and what AP would be without it.

Ronchi and Perona 2017, "Benchmarking and Error Diagnosis in Multi-Instance Pose Estimation",
arXiv 1707.05388: section 4.1 (localisation), 4.2 (scoring) and 4.3 (background).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from mpn_cli.base.arrays import BoolArray, Float64Array, IntArray
from mpn_cli.evaluation.breakdown import belonging
from mpn_cli.evaluation.ground_truth import GroundTruth
from mpn_cli.evaluation.joining import equal_pairs
from mpn_cli.evaluation.matching import Judged, match
from mpn_cli.evaluation.measuring import Measured, areas_around
from mpn_cli.evaluation.results import Results
from mpn_cli.evaluation.similarity import LEAST_OKS, Candidates, candidates, similarities

NEAR, GOOD = 0.5, 0.85
"""OKS terms: below the first a joint is somewhere else, from the second on it is right."""


class Kind(StrEnum):
    """What a joint of a matched result is."""

    GOOD = "good"
    JITTER = "jitter"
    INVERSION = "inversion"
    SWAP = "swap"
    MISS = "miss"


KINDS = tuple(Kind)

UNLABELLED = -1
"""Stands in place of a joint's kind where the person has no label for it."""


class Mended(StrEnum):
    """What is not a joint's mistake but a result's, or a result that is not there."""

    SCORES = "scores"
    BACKGROUND = "background"
    MISSED = "missed people"


@dataclass(frozen=True, slots=True)
class BadPicture:
    """A picture, with what was lost in it."""

    picture: int
    name: str
    people: int
    missed: int
    oks: float
    """Mean over its people; a missed one has 0."""
    commonest: str
    """Kind of mistake, or "missed people"."""


@dataclass(frozen=True, slots=True)
class Errors:
    """The mistakes of a results file."""

    pairs: IntArray
    """(P, 2) rows of ``GroundTruth.scored`` and of ``Results`` that belong together."""
    kinds: IntArray
    """(P, K) for each pair the kind of every joint, as its place in ``KINDS``; ``UNLABELLED`` where
    the person has no label."""
    by_joint: dict[str, dict[Kind, int]]
    background: list[int]
    """Rows of results where nobody is."""
    doubled: list[int]
    """Rows of results for somebody who has a better one."""
    missed: list[int]
    """Rows of ``GroundTruth.scored`` without a result."""
    ap: float
    mended: dict[str, float]
    """AP with each kind mended, alone."""
    pictures: list[BadPicture]
    """All with people, those that lost most first."""

    def count(self, kind: Kind) -> int:
        """Joints of a kind."""
        return sum(joints[kind] for joints in self.by_joint.values())


def find_errors(truth: GroundTruth, results: Results, measured: Measured) -> Errors:
    """Sort every joint, result and missed person, and match seven more times for the AP mended.

    measured: what ``measure`` says about the same results.
    """
    case = _Case(truth, results, measured.judged, measured.candidates)
    owners = belonging(truth, results, measured)
    matched, alone = owners.pairs, owners.alone
    kinds = _kinds(truth, results, matched)
    oks = np.zeros(len(results))
    oks[measured.nearest.rows] = measured.nearest.oks
    background = alone[oks[alone] < LEAST_OKS]
    missed = np.setdiff1d(np.arange(len(truth.scored_rows)), matched[:, 0])
    likeness = _likeness(truth, results, matched)
    mended: dict[str, float] = {
        kind: case.ap_with_joints_mended(matched, kinds == KINDS.index(kind)) for kind in KINDS[1:]
    }
    mended[Mended.SCORES] = case.ap_with_scores(matched[:, 1], likeness)
    mended[Mended.BACKGROUND] = case.ap_without(background)
    mended[Mended.MISSED] = case.ap(without=truth.scored_rows[missed])
    return Errors(
        matched,
        kinds,
        _by_joint(truth, kinds),
        background.tolist(),
        alone[oks[alone] >= LEAST_OKS].tolist(),
        missed.tolist(),
        case.ap(),
        mended,
        _worst(truth, matched, kinds, likeness, missed),
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """Results whose AP is asked for once more after something about them has been mended."""

    truth: GroundTruth
    results: Results
    judged: Judged
    candidates: Candidates

    def ap(self, without: IntArray | None = None) -> float:
        """AP; without: rows of ``truth.people`` who are not asked for. No results give 0."""
        if not len(self.judged.rows):
            return 0.0
        found = match(self.truth, self.judged, self.candidates, areas=["all"], without=without)
        return found.ap(np.ones(len(found.pictures), np.int64))

    def ap_with_joints_mended(self, matched: IntArray, wrong: BoolArray) -> float:
        """AP where the wrong joints (P, K) of matched pairs (P, 2) are put on their labels."""
        which = np.flatnonzero(wrong.any(axis=1))
        people, rows = matched[which].T
        places = (self.results.places[0].copy(), self.results.places[1].copy())
        for axis, values in enumerate(places):
            labels = self.truth.keypoints[people, :, axis]
            values[rows] = np.where(wrong[which], labels, values[rows])
        mine, theirs = equal_pairs(self.results.pictures[rows], self.truth.columns.pictures)
        again = candidates(self.truth, places, rows[mine], theirs)
        changed = np.zeros(len(self.results), np.bool_)
        changed[rows] = True
        kept = ~changed[self.candidates.rows]
        areas = np.zeros(len(self.results))
        areas[self.judged.rows] = self.judged.areas
        if not self.results.poses.boxed:
            areas[rows] = areas_around((places[0][rows], places[1][rows]))
        return replace(
            self,
            judged=replace(self.judged, areas=areas[self.judged.rows]),
            candidates=Candidates(
                np.concatenate([self.candidates.rows[kept], again.rows]),
                np.concatenate([self.candidates.people[kept], again.people]),
                np.concatenate([self.candidates.oks[kept], again.oks]),
            ),
        ).ap()

    def ap_with_scores(self, rows: IntArray, oks: Float64Array) -> float:
        """AP where the scores of some rows are their OKS, and those of all others 0."""
        scores = np.zeros(len(self.results))
        scores[rows] = oks
        return replace(self, judged=replace(self.judged, scores=scores[self.judged.rows])).ap()

    def ap_without(self, rows: IntArray) -> float:
        """AP of all results but these."""
        kept = ~np.isin(self.judged.rows, rows)
        return replace(
            self,
            judged=Judged(
                self.judged.rows[kept],
                self.judged.pictures[kept],
                self.judged.categories[kept],
                self.judged.scores[kept],
                self.judged.areas[kept],
            ),
        ).ap()


def _likeness(truth: GroundTruth, results: Results, matched: IntArray) -> Float64Array:
    """(P,) OKS of pairs."""
    people, rows = matched.T
    labels = truth.keypoints[people]
    seen = labels[..., 2] > 0
    terms = similarities(
        results.keypoints[rows, :, :2], labels[..., :2], truth.areas[people], truth.sigmas
    )
    return np.asarray((terms * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 1))


def _kinds(truth: GroundTruth, results: Results, matched: IntArray) -> IntArray:
    """(P, K) kinds of joints, as in :class:`Errors`."""
    people, rows = matched.T
    own, mirror = _terms(truth, results, rows, people)
    # Every other person of the same picture.
    mine, theirs = equal_pairs(truth.picture_of[people], truth.picture_of)
    other = people[mine] != theirs
    mine, theirs = mine[other], theirs[other]
    elsewhere = np.zeros_like(own)
    np.maximum.at(elsewhere, mine, np.maximum(*_terms(truth, results, rows[mine], theirs)))
    kinds = np.select(
        [own >= GOOD, own >= NEAR, mirror >= NEAR, elsewhere >= NEAR],
        [KINDS.index(kind) for kind in (Kind.GOOD, Kind.JITTER, Kind.INVERSION, Kind.SWAP)],
        KINDS.index(Kind.MISS),
    )
    return np.where(truth.keypoints[people, :, 2] > 0, kinds, UNLABELLED)


def _terms(
    truth: GroundTruth, results: Results, rows: IntArray, people: IntArray
) -> tuple[Float64Array, Float64Array]:
    """(P, K) OKS terms of results with people's joints, and with the mirror images of the joints.

    A joint has its own OKS constant in both. Where there is no label the term is 0.
    """
    labels, areas = truth.keypoints[people], truth.areas[people]
    poses = results.keypoints[rows, :, :2]

    def with_labels(joints: Float64Array) -> Float64Array:
        terms = similarities(poses, joints[..., :2], areas, truth.sigmas)
        return np.where(joints[..., 2] > 0, terms, 0.0)

    return with_labels(labels), with_labels(labels[:, list(truth.mirrored)])


def _by_joint(truth: GroundTruth, kinds: IntArray) -> dict[str, dict[Kind, int]]:
    return {
        name: {kind: int((kinds[:, joint] == number).sum()) for number, kind in enumerate(KINDS)}
        for joint, name in enumerate(truth.names)
    }


def _worst(
    truth: GroundTruth,
    matched: IntArray,
    kinds: IntArray,
    likeness: Float64Array,
    missed: IntArray,
) -> list[BadPicture]:
    """Pictures by what their people lost of OKS 1, most first."""
    rows = np.concatenate([matched[:, 0], missed])
    pictures, place = np.unique(truth.picture_of[rows], return_inverse=True)
    of_matched, of_missed = np.split(place, [len(matched)])
    people = np.bincount(place, minlength=len(pictures))
    similarity = np.bincount(of_matched, likeness, len(pictures))
    gone = np.bincount(of_missed, minlength=len(pictures))
    names = [*(kind.value for kind in KINDS[1:]), Mended.MISSED.value]
    counts = np.zeros((len(pictures), len(names)), np.int64)
    for number in range(1, len(KINDS)):
        np.add.at(counts[:, number - 1], of_matched, (kinds == number).sum(axis=1))
    np.add.at(counts[:, -1], of_missed, (truth.keypoints[missed, :, 2] > 0).sum(axis=1))
    return [
        BadPicture(
            int(pictures[one]),
            truth.images[int(pictures[one])].name or str(pictures[one]),
            int(people[one]),
            int(gone[one]),
            float(similarity[one] / people[one]),
            names[counts[one].argmax()] if counts[one].any() else "-",
        )
        for one in np.lexsort((pictures, similarity - people)).tolist()
    ]
