"""What kind of mistake each joint is, and what AP would be without it.

Ronchi and Perona 2017, "Benchmarking and Error Diagnosis in Multi-Instance Pose Estimation",
arXiv 1707.05388: section 4.1 (localisation), 4.2 (scoring) and 4.3 (background).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from mpn_cli.base.arrays import Float64Array
from mpn_cli.evaluation.breakdown import pairs, similarities
from mpn_cli.evaluation.coco import Engine, keypoint_matches, keypoint_numbers, load_truth
from mpn_cli.evaluation.ground_truth import GroundTruth
from mpn_cli.evaluation.results import Results

MATCHED = 0.1
"""OKS from which a result belongs to a person, however badly placed its joints are."""

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

    pairs: list[tuple[int, int]]
    """Rows of ``GroundTruth.scored`` and of ``Results`` that belong together."""
    kinds: list[dict[int, Kind]]
    """For each pair the kind of every labelled joint."""
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


def find_errors(truth: GroundTruth, results: Results, engine: Engine) -> Errors:
    """Sort every joint, result and missed person. Evaluates seven more times, for the AP mended."""
    loaded = load_truth(truth.content(), engine)
    sigmas = truth.custom_sigmas
    content = results.content()
    matched: list[tuple[int, int]] = []
    alone: list[int] = []
    if content:
        matches = keypoint_matches(loaded, content, [MATCHED], sigmas)
        matched = pairs(truth, results, matches)
        alone = [
            int(row)
            for group in matches.everywhere()
            for row in results.rows[
                group.result_ids[(group.partners[0] == 0) & ~group.result_ignored[0]] - 1
            ]
        ]
    kinds = _kinds(truth, results, matched)
    background, doubled = _nobodys(truth, results, alone)
    missed = sorted(set(range(len(truth.scored))) - {person for person, _ in matched})
    plain = keypoint_numbers(loaded, content, sigmas)["AP"]

    def ap_of(changed: list[dict[str, Any]]) -> float:
        return keypoint_numbers(loaded, changed, sigmas)["AP"]

    place = {int(row): number for number, row in enumerate(results.rows)}
    mended: dict[str, float] = {
        kind: ap_of(_joints_mended(truth, content, place, matched, kinds, kind))
        for kind in KINDS[1:]
    }
    mended[Mended.SCORES] = ap_of(_scores_mended(truth, results, content, place, matched))
    gone = {place[row] for row in background}
    mended[Mended.BACKGROUND] = ap_of([one for n, one in enumerate(content) if n not in gone])
    mended[Mended.MISSED] = keypoint_numbers(
        load_truth(_without(truth, missed), engine), content, sigmas
    )["AP"]
    return Errors(
        matched, kinds, _by_joint(truth, kinds), background, doubled, missed, plain, mended,
        _worst(truth, results, matched, kinds, missed),
    )  # fmt: skip


def _people_by_picture(truth: GroundTruth) -> dict[int, list[int]]:
    rows: dict[int, list[int]] = {}
    for row, person in enumerate(truth.scored):
        rows.setdefault(person.image_id, []).append(row)
    return rows


def _kinds(
    truth: GroundTruth, results: Results, matched: Sequence[tuple[int, int]]
) -> list[dict[int, Kind]]:
    by_picture = _people_by_picture(truth)
    sorted_out = []
    for person, row in matched:
        others = [other for other in by_picture[truth.scored[person].image_id] if other != person]
        sorted_out.append(_kinds_of_one(truth, results.keypoints[row, :, :2], person, others))
    return sorted_out


def _kinds_of_one(
    truth: GroundTruth, pose: Float64Array, person: int, others: Sequence[int]
) -> dict[int, Kind]:
    everyone = [person, *others]
    labels = truth.keypoints[everyone]
    areas, sigmas, mirrored = truth.areas[everyone], truth.sigmas, list(truth.mirrored)
    seen = labels[..., 2] > 0
    own = np.where(seen, similarities(pose, labels[..., :2], areas, sigmas), 0.0)
    # Where the joint's mirror image is labelled: (P, K), with the found joint's own sigma.
    other_side = np.where(
        seen[:, mirrored], similarities(pose, labels[:, mirrored, :2], areas, sigmas), 0.0
    )
    kinds = {}
    for joint in np.flatnonzero(seen[0]):
        if own[0, joint] >= GOOD:
            kind = Kind.GOOD
        elif own[0, joint] >= NEAR:
            kind = Kind.JITTER
        elif other_side[0, joint] >= NEAR:
            kind = Kind.INVERSION
        elif max(own[1:, joint].max(initial=0), other_side[1:, joint].max(initial=0)) >= NEAR:
            kind = Kind.SWAP
        else:
            kind = Kind.MISS
        kinds[int(joint)] = kind
    return kinds


def _nobodys(
    truth: GroundTruth, results: Results, alone: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Of results matched with nobody those where nobody is, and those where somebody is taken."""
    by_picture = _people_by_picture(truth)
    background: list[int] = []
    doubled: list[int] = []
    for row in alone:
        people = by_picture.get(results.pictures[row], [])
        near = oks(truth, results.keypoints[row, :, :2], people).max(initial=0.0)
        (doubled if near >= MATCHED else background).append(row)
    return background, doubled


def oks(truth: GroundTruth, pose: Float64Array, people: Sequence[int]) -> Float64Array:
    """(P,) object keypoint similarity of a pose (K, 2) with rows of ``truth.scored``."""
    labels = truth.keypoints[list(people)]
    seen = labels[..., 2] > 0
    terms = similarities(pose, labels[..., :2], truth.areas[list(people)], truth.sigmas)
    return np.asarray((terms * seen).sum(axis=1) / seen.sum(axis=1))


def _joints_mended(
    truth: GroundTruth,
    content: list[dict[str, Any]],
    place: dict[int, int],
    matched: Sequence[tuple[int, int]],
    kinds: Sequence[dict[int, Kind]],
    wanted: Kind,
) -> list[dict[str, Any]]:
    """The results with every joint of a kind put on its label."""
    changed = list(content)
    for (person, row), of_joint in zip(matched, kinds, strict=True):
        wrong = [joint for joint, kind in of_joint.items() if kind is wanted]
        if wrong:
            pose = np.array(changed[place[row]]["keypoints"], dtype=np.float64).reshape(-1, 3)
            pose[wrong, :2] = truth.keypoints[person, wrong, :2]
            changed[place[row]] = {**changed[place[row]], "keypoints": pose.ravel().tolist()}
    return changed


def _scores_mended(
    truth: GroundTruth,
    results: Results,
    content: list[dict[str, Any]],
    place: dict[int, int],
    matched: Sequence[tuple[int, int]],
) -> list[dict[str, Any]]:
    """The results with their OKS for a score: the best order there is."""
    changed = [{**one, "score": 0.0} for one in content]
    for person, row in matched:
        similarity = oks(truth, results.keypoints[row, :, :2], [person])[0]
        changed[place[row]]["score"] = float(similarity)
    return changed


def _without(truth: GroundTruth, missed: Sequence[int]) -> dict[str, Any]:
    """The ground truth's content without the people that nobody found."""
    content = truth.content()
    gone = {truth.scored[row].id for row in missed}
    content["annotations"] = [one for one in content["annotations"] if one["id"] not in gone]
    return content


def _by_joint(truth: GroundTruth, kinds: Sequence[dict[int, Kind]]) -> dict[str, dict[Kind, int]]:
    counts = {name: dict.fromkeys(KINDS, 0) for name in truth.names}
    for of_joint in kinds:
        for joint, kind in of_joint.items():
            counts[truth.names[joint]][kind] += 1
    return counts


def _worst(
    truth: GroundTruth,
    results: Results,
    matched: Sequence[tuple[int, int]],
    kinds: Sequence[dict[int, Kind]],
    missed: Sequence[int],
) -> list[BadPicture]:
    """Pictures by what their people lost of OKS 1, most first."""
    similarity: dict[int, list[float]] = {}
    mistakes: dict[int, Counter[str]] = {}
    for (person, row), of_joint in zip(matched, kinds, strict=True):
        picture = truth.scored[person].image_id
        value = float(oks(truth, results.keypoints[row, :, :2], [person])[0])
        similarity.setdefault(picture, []).append(value)
        mistakes.setdefault(picture, Counter()).update(
            kind.value for kind in of_joint.values() if kind is not Kind.GOOD
        )
    for person in missed:
        picture = truth.scored[person].image_id
        similarity.setdefault(picture, []).append(0.0)
        labelled = int((truth.keypoints[person, :, 2] > 0).sum())
        mistakes.setdefault(picture, Counter())[Mended.MISSED.value] += labelled
    by_loss = sorted(similarity, key=lambda one: (sum(similarity[one]) - len(similarity[one]), one))
    missing = Counter(truth.scored[person].image_id for person in missed)
    return [
        BadPicture(
            picture,
            truth.images[picture].name or str(picture),
            len(similarity[picture]),
            missing[picture],
            sum(similarity[picture]) / len(similarity[picture]),
            max(mistakes[picture], key=lambda kind: mistakes[picture][kind], default="-"),
        )
        for picture in by_loss
        if picture in truth.images
    ]
