"""Scores of poses and joints: worked out one by one, and where they come from."""

import json
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

from mpn_cli.base.choices import JointConfidence, Score
from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import COCO
from mpn_cli.networks.scoring import (
    FEATURES,
    FORMAT,
    JointModel,
    ScoreModel,
    choose_scoring,
    load_scoring,
    paper_score,
    read_score_model,
    score_file,
)

HASH = "a" * 64


def made_model(weights_sha256: str = HASH, seed: int = 0) -> ScoreModel:
    """A model of random weights."""
    rng = np.random.default_rng(seed)
    count = len(FEATURES)
    groups = []
    for joint, other in enumerate(COCO.flip_permutation):
        if joint <= other:
            groups.append(
                JointModel(
                    tuple(sorted({joint, other})),
                    tuple(rng.uniform(0, 1, count).tolist()),
                    tuple(rng.uniform(0.5, 2, count).tolist()),
                    tuple(rng.normal(0, 0.5, count + 1).tolist()),
                    tuple(rng.normal(0, 0.5, count + 1).tolist()),
                    (rng.uniform(0, 3), rng.uniform(0, 3), rng.normal()),
                )
            )
    return ScoreModel(FORMAT, weights_sha256, 17, {"people": 5}, tuple(groups))


def poses(count: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    confidences = rng.uniform(0, 1, (count, 17))
    confidences[0], confidences[1] = 0, 1
    areas = rng.uniform(100, 90_000, count)
    areas[2] = 0
    return rng.uniform(0, 300, (count, 17, 2)), confidences, areas


def squeezed(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def expected_by_hand(
    model: ScoreModel, joints: np.ndarray, confidences: np.ndarray, area: float
) -> float:
    """One pose, joint by joint, in plain Python."""
    area = max(area, 1.0)
    group_of = {joint: group for group in model.groups for joint in group.joints}
    total = weight = 0.0
    for k in range(17):
        others = [b if a == k else a for a, b in COCO.limbs if k in (a, b)]
        name = COCO.keypoints[k]
        swap = {"left": "right_", "right": "left_"}.get(name.split("_")[0])
        mirror = COCO.keypoints.index(swap + name.split("_")[1]) if swap else k
        c = min(max(confidences[k], 1 / 256), 255 / 256)
        values = [
            confidences[k],
            math.log(c / (1 - c)),
            confidences[k] ** 2,
            sum(confidences[o] for o in others) / len(others),
            confidences[mirror],
            min(math.dist(joints[k], joints[mirror]) / math.sqrt(area), 2),
            min(sum(math.dist(joints[k], joints[o]) for o in others) / len(others) / area**0.5, 2),
            math.log(area),
            sum(confidences) / 17,
            (sum(c**4 for c in confidences) / 17) ** 0.25,
        ]
        group = group_of[k]
        scaled = [
            min(max((v - m) / d, -4), 4)
            for v, m, d in zip(values, group.means, group.deviations, strict=True)
        ]
        similar, shown = (
            squeezed(sum(w * z for w, z in zip(of, scaled, strict=False)) + of[-1])
            for of in (group.similarity, group.labelled)
        )
        total += similar * shown
        weight += shown
    return total / weight


def test_expected_oks_is_the_mean_of_the_joints() -> None:
    model, (joints, confidences, areas) = made_model(), poses()
    found = model.expected_oks(joints, confidences, areas, COCO)
    by_hand = [
        expected_by_hand(model, *one) for one in zip(joints, confidences, areas, strict=True)
    ]
    np.testing.assert_allclose(found, by_hand, rtol=1e-12)
    assert ((found > 0) & (found < 1)).all()


def test_a_pose_is_scored_alike_in_any_company() -> None:
    """To the last bit: shards may be cut differently after a worker's death."""
    model, (joints, confidences, areas) = made_model(), poses(101)
    together = model.expected_oks(joints, confidences, areas, COCO)
    for count in (1, 2, 7):
        apart = [
            model.expected_oks(joints[n : n + count], confidences[n : n + count],
                               areas[n : n + count], COCO)
            for n in range(0, 101, count)
        ]  # fmt: skip
        assert np.concatenate(apart).tobytes() == together.tobytes()
    assert model.expected_oks(joints[:0], confidences[:0], areas[:0], COCO).shape == (0,)


def test_calibrated_confidences_keep_their_order_and_are_the_curves() -> None:
    model = made_model()
    steps = np.repeat(np.linspace(0, 1, 101)[:, None], 17, axis=1)
    chances = model.calibrated(steps)
    assert (np.diff(chances, axis=0) >= 0).all()
    assert ((chances >= 0) & (chances <= 1)).all()
    a, b, d = next(group.chance for group in model.groups if 9 in group.joints)
    odds = math.exp(d) * 0.25**a / 0.75**b
    assert chances[25, 9] == pytest.approx(odds / (1 + odds), rel=1e-12)
    assert chances[25, 10] == chances[25, 9]


def test_paper_score() -> None:
    confidences = np.array([[0.5, 0.1, 0.9, 0.0], [0.05, 0.1, 0.0, 0.02]])
    assert paper_score(np.array([0.5, 1.0]), confidences, 0.1).tolist() == [0.35, 0.0]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "mine.safetensors"
    score_file(file).write_bytes(msgspec.json.encode(made_model()))
    return file


def test_auto_takes_the_model_of_the_weights_alone(weights: Path, tmp_path: Path) -> None:
    chosen = choose_scoring(Score.AUTO, JointConfidence.AUTO, weights, HASH)
    assert (chosen.score, chosen.joint_confidence) == ("expected-oks", "calibrated")
    assert load_scoring(weights, chosen.sha256) == made_model()
    for file, sha256 in (
        (weights, "b" * 64),  # fitted for others
        (tmp_path / "other.safetensors", HASH),
        (Path(), "a plug-in 1.0"),
    ):
        chosen = choose_scoring(Score.AUTO, JointConfidence.AUTO, file, sha256)
        assert (chosen.score, chosen.joint_confidence) == ("paper", "network")
        assert (chosen.sha256, load_scoring(file, chosen.sha256)) == ("", None)


def test_one_of_the_two_can_be_had_alone(weights: Path) -> None:
    chosen = choose_scoring(Score.PAPER, JointConfidence.AUTO, weights, HASH)
    assert (chosen.score, chosen.joint_confidence) == ("paper", "calibrated")
    assert chosen.sha256
    chosen = choose_scoring(Score.AUTO, JointConfidence.NETWORK, weights, HASH)
    assert (chosen.score, chosen.joint_confidence) == ("expected-oks", "network")
    assert choose_scoring(Score.PAPER, JointConfidence.NETWORK, weights, HASH).sha256 == ""


def test_what_was_asked_for_by_name_must_be_there(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--score expected-oks: the network has no score model"):
        choose_scoring(Score.EXPECTED_OKS, JointConfidence.AUTO, tmp_path / "x.safetensors", HASH)
    with pytest.raises(
        InputError, match=r"--joint-confidence calibrated: .*mine-score.json was fi"
    ):
        choose_scoring(Score.AUTO, JointConfidence.CALIBRATED, weights, "b" * 64)


def test_a_model_that_changed_or_is_none(weights: Path) -> None:
    file = score_file(weights)
    chosen = choose_scoring(Score.AUTO, JointConfidence.AUTO, weights, HASH)
    whole = file.read_bytes()
    file.write_bytes(msgspec.json.encode(made_model(seed=2)))
    with pytest.raises(InputError, match="not the score model that the job began with"):
        load_scoring(weights, chosen.sha256)
    file.unlink()
    with pytest.raises(InputError, match="not the score model that the job began with"):
        load_scoring(weights, chosen.sha256)
    content = json.loads(whole)
    short = {**content, "groups": content["groups"][1:]}
    other = {**content, "format": "mpn-score/9"}
    for text in (whole[:-9].decode(), "[]", json.dumps(short), json.dumps(other)):
        file.write_text(text)
        with pytest.raises(InputError, match=r"mine-score\.json: not a score model"):
            read_score_model(file)
