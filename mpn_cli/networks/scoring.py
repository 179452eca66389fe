"""Scores of poses (the paper's, or the expected OKS) and calibrated confidences of joints.

A score model is a small JSON file beside a network's weights, fitted by ``mpn calibrate``. For
every joint it predicts the OKS term and the probability that an annotator would label this joint at
all; the pose's expected OKS is the mean of the terms, weighted by those probabilities. It uses
confidences, joints and boxes only, so that it works the same with every runtime and device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from mpn_cli.base.arrays import Float64Array, FloatArray
from mpn_cli.base.choices import JointConfidence, Score
from mpn_cli.base.errors import InputError
from mpn_cli.base.files import file_sha256
from mpn_cli.base.skeletons import Skeleton

FORMAT = "mpn-score/1"

BOX_EXPONENT = 1 / 3
"""Exponent of the box's score in a pose's score. On 572 pictures that the pose network had not
seen, AP with our detector's boxes is 0.324 for exponents from 0.2 to 0.35, 0.322 for 0.5,
0.314 for 1."""

FEATURES = (
    "confidence",
    "its logit",
    "its square",
    "mean confidence of the joints it has a limb with",
    "confidence of its mirror joint",
    "distance to its mirror joint",
    "mean length of its limbs",
    "logarithm of the box's area",
    "mean confidence of the pose",
    "power mean of the pose",
)
"""The model's inputs for each joint; lengths are in units of the square root of the box's area."""

_FARTHEST = 2.0
"""Lengths are clipped to this."""
_MOST_DEVIATIONS = 4.0
"""Features are clipped to this many standard deviations from their mean."""
_SUREST = 1 / 256
"""Confidences are clipped to at least this distance from 0 and 1 before the logarithm."""


POSE_THR = {Score.EXPECTED_OKS: 0.45, Score.PAPER: 0.2}
"""Default of ``--pose-thr``: poses with a lower score are left out of what people look at.

On held-out pictures (``benchmarks/sweep_detector.py``) these give the best F1 of poses and labelled
people at OKS 0.5, with eq. 6 and with the expected OKS.
"""


class JointModel(msgspec.Struct, frozen=True):
    """Parameters fitted for one joint, or for a joint and its mirror joint together."""

    joints: tuple[int, ...]
    means: tuple[float, ...]
    """Means of the FEATURES."""
    deviations: tuple[float, ...]
    """Standard deviations of the FEATURES."""
    similarity: tuple[float, ...]
    """Logistic regression of the OKS term: a weight for each feature, and the constant."""
    labelled: tuple[float, ...]
    """Logistic regression of the probability that the joint is labelled, in the same form."""
    chance: tuple[float, float, float]
    """(a, b, d) of the probability that a joint of confidence c is right (OKS term of at least
    0.5): the logistic function of a ln c - b ln(1 - c) + d, with a, b >= 0 (beta calibration, Kull,
    Silva Filho and Flach 2017)."""


class ScoreModel(msgspec.Struct, frozen=True):
    """The content of a score model's file."""

    format: str
    weights_sha256: str
    """SHA-256 of the weights of the network that the model was fitted for."""
    joints: int
    fitted: dict[str, float]
    """The numbers of people and pictures it was fitted on, and the cross-validated figures."""
    groups: tuple[JointModel, ...]
    """The fitted parameters; every joint belongs to exactly one group."""

    def expected_oks(
        self, keypoints: FloatArray, confidences: FloatArray, areas: FloatArray, skeleton: Skeleton
    ) -> Float64Array:
        """Expected OKS (N,) of poses (N, K, 2), (N, K) in boxes of areas (N,), pixels squared.

        Each pose's value depends on nothing but that pose.
        """
        looked_at = features(keypoints, confidences, areas, skeleton)
        similarity, labelled = np.empty(confidences.shape), np.empty(confidences.shape)
        for group in self.groups:
            rows = list(group.joints)
            scaled = standardised(looked_at[:, rows], group.means, group.deviations)
            similarity[:, rows] = logistic(_weighed(scaled, group.similarity))
            labelled[:, rows] = logistic(_weighed(scaled, group.labelled))
        return np.asarray((similarity * labelled).sum(axis=1) / labelled.sum(axis=1))

    def calibrated(self, confidences: FloatArray) -> Float64Array:
        """Probabilities (N, K) that joints of these confidences are right; monotone in them."""
        rising, falling = logarithms(np.asarray(confidences, dtype=np.float64))
        chances = np.empty(confidences.shape)
        for group in self.groups:
            rows = list(group.joints)
            a, b, d = group.chance
            chances[:, rows] = logistic(a * rising[:, rows] + b * falling[:, rows] + d)
        return chances


def features(
    keypoints: FloatArray, confidences: FloatArray, areas: FloatArray, skeleton: Skeleton
) -> Float64Array:
    """(N, K, 10) FEATURES of poses (N, K, 2), (N, K) in boxes of areas (N,)."""
    joints = np.asarray(keypoints, dtype=np.float64)
    sure = np.asarray(confidences, dtype=np.float64)
    rising, falling = logarithms(sure)
    area = np.maximum(areas, 1.0)
    unit = np.sqrt(area)[:, None]
    mirror = list(skeleton.flip_permutation)
    beside, reach = np.empty(sure.shape), np.empty(sure.shape)
    for joint, others in enumerate(_neighbours(skeleton)):
        beside[:, joint] = sure[:, others].mean(axis=1)
        limbs = joints[:, others] - joints[:, [joint]]
        reach[:, joint] = np.sqrt((limbs**2).sum(axis=2)).mean(axis=1)
    apart = np.sqrt(((joints - joints[:, mirror]) ** 2).sum(axis=2))
    of_the_joint = (
        sure,
        rising + falling,
        sure**2,
        beside,
        sure[:, mirror],
        np.minimum(apart / unit, _FARTHEST),
        np.minimum(reach / unit, _FARTHEST),
    )
    of_the_pose = (np.log(area), sure.mean(axis=1), (sure**4).mean(axis=1) ** 0.25)
    spread = (np.broadcast_to(feature[:, None], sure.shape) for feature in of_the_pose)
    return np.stack([*of_the_joint, *spread], axis=2)


def logarithms(confidences: Float64Array) -> tuple[Float64Array, Float64Array]:
    """The two parts of the logit, ln c and -ln(1 - c), of confidences in 0..1, ends included."""
    inside = np.clip(confidences, _SUREST, 1 - _SUREST)
    return np.log(inside), -np.log1p(-inside)


def standardised(
    values: Float64Array,
    means: Sequence[float] | FloatArray,
    deviations: Sequence[float] | FloatArray,
) -> Float64Array:
    """Features (..., F) scaled to mean 0 and standard deviation 1, with outliers clipped."""
    scaled = (values - np.asarray(means)) / np.asarray(deviations)
    return np.asarray(np.clip(scaled, -_MOST_DEVIATIONS, _MOST_DEVIATIONS))


def logistic(values: Float64Array) -> Float64Array:
    """1 / (1 + exp(-x))."""
    return np.asarray(1 / (1 + np.exp(-values)))


def _weighed(scaled: Float64Array, weights: tuple[float, ...]) -> Float64Array:
    """(...) weighted sums. A matrix product is avoided: its last bits depend on the row count."""
    return np.asarray((scaled * np.asarray(weights[:-1])).sum(axis=-1) + weights[-1])


def _neighbours(skeleton: Skeleton) -> list[list[int]]:
    """For each joint, the joints at the other ends of its limbs."""
    found: list[list[int]] = [[] for _ in range(skeleton.joints)]
    for a, b in skeleton.limbs:
        found[a].append(b)
        found[b].append(a)
    return found


def paper_score(box_scores: FloatArray, confidences: FloatArray, kpt_thr: float) -> Float64Array:
    """Pose scores (eqs. 6, 7): p = b * mean of the confidences over ``kpt_thr``, 0 if none is.

    box_scores (N,), confidences (N, K) -> (N,).
    """
    passing = confidences > kpt_thr
    total = np.where(passing, confidences, 0.0).sum(axis=1)
    return np.asarray(box_scores * total / np.maximum(passing.sum(axis=1), 1))


def score_file(weights: Path) -> Path:
    """The path of a weight file's score model, which may not exist."""
    return weights.with_name(f"{weights.stem}-score.json")


def read_score_model(file: Path) -> ScoreModel:
    """Read a score model. Raises InputError for a file that is damaged or of another kind."""
    try:
        model = msgspec.json.decode(file.read_bytes(), type=ScoreModel)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise InputError(f"{file}: not a score model: {error}") from None
    sizes = {
        (len(g.means), len(g.deviations), len(g.similarity) - 1, len(g.labelled) - 1)
        for g in model.groups
    }
    covered = sorted(joint for group in model.groups for joint in group.joints)
    if (
        model.format != FORMAT
        or sizes != {(len(FEATURES),) * 4}
        or covered != list(range(model.joints))
    ):
        raise InputError(f"{file}: not a score model that this version knows ({FORMAT})")
    return model


@dataclass(frozen=True, slots=True)
class Scoring:
    """How poses are scored: decided before a job starts, and the same for all of its workers."""

    score: Score
    """How poses are scored; never ``AUTO``."""
    joint_confidence: JointConfidence
    """Which confidence is written for joints; never ``AUTO``."""
    sha256: str
    """SHA-256 of the score model's file; "" if it is not used."""


def choose_scoring(
    score: Score, confidence: JointConfidence, weights: Path, weights_sha256: str
) -> Scoring:
    """Resolve ``auto`` for a network: its score model is used if there is one for its weights.

    weights: empty for networks without a file. Raises InputError if an option asks for a score
    model that does not exist, and for a damaged one.
    """
    file = score_file(weights) if weights.name else weights
    exists = bool(file.name) and file.is_file()
    fits = exists and read_score_model(file).weights_sha256 == weights_sha256
    named = [
        option
        for option, wanted in (
            (f"--score {score}", score is Score.EXPECTED_OKS),
            (f"--joint-confidence {confidence}", confidence is JointConfidence.CALIBRATED),
        )
        if wanted
    ]
    if named and not fits:
        why = f"{file} was fitted for other weights" if exists else "the network has no score model"
        raise InputError(f"{named[0]}: {why}; mpn calibrate makes one")
    if score is Score.AUTO:
        score = Score.EXPECTED_OKS if fits else Score.PAPER
    if confidence is JointConfidence.AUTO:
        confidence = JointConfidence.CALIBRATED if fits else JointConfidence.NETWORK
    used = score is Score.EXPECTED_OKS or confidence is JointConfidence.CALIBRATED
    return Scoring(score, confidence, file_sha256(file) if used else "")


def load_scoring(weights: Path, sha256: str) -> ScoreModel | None:
    """The score model that a recipe names by its hash; None if that is "". Raises InputError."""
    if not sha256:
        return None
    file = score_file(weights)
    if not file.is_file() or file_sha256(file) != sha256:
        raise InputError(f"{file} is not the score model that the job began with")
    return read_score_model(file)
