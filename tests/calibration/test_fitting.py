"""Fits recover what made the data."""

import numpy as np
import pytest

from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import COCO
from mpn_cli.calibration.fitting import beta_calibration, fit, mirrored, regression
from mpn_cli.calibration.measuring import cross_validate
from mpn_cli.calibration.samples import NOBODY, OWN, WORSE, Samples
from mpn_cli.evaluation.ground_truth import Person

RIGHT_AT = (2.0, 0.7, 0.4)
"""a, b, d of the beta curve by which made joints are right."""


def chance_of(confidences: np.ndarray) -> np.ndarray:
    a, b, d = RIGHT_AT
    odds = np.exp(d) * confidences**a / (1 - confidences) ** b
    return np.asarray(odds / (1 + odds))


def made_samples(count: int, seed: int = 0) -> Samples:
    """People whose joints are right as often as a curve of their confidence says.

    Each third sample is of nobody, with low confidences; a fifth of the joints have no label.
    """
    rng = np.random.default_rng(seed)
    kinds = np.arange(count) % 3
    assert (OWN, WORSE, NOBODY) == (0, 1, 2)
    level = np.where(kinds == NOBODY, rng.beta(2, 8, count), rng.beta(4, 2, count))
    noise = rng.normal(0, 0.08, (count, 17))
    confidences = np.clip(level[:, None] + noise, 0.02, 0.98)
    right = rng.uniform(0, 1, confidences.shape) < chance_of(confidences)
    similarity = np.where(right, 0.9, 0.1)
    similarity[rng.uniform(0, 1, similarity.shape) < 0.2] = np.nan
    similarity[kinds == NOBODY] = np.nan
    keypoints = rng.uniform(0, 200, (count, 17, 2))
    labels = np.concatenate([keypoints, np.full((count, 17, 1), 2.0)], axis=2)
    people = [
        None if kind == NOBODY else
        Person(
            id=n + 1, image_id=n, category_id=1, keypoints=labels[n].ravel().tolist(),
            bbox=[0.0, 0.0, 200.0, 200.0], area=20_000.0, iscrowd=False, num_keypoints=17,
            labelled=17,
        )
        for n, kind in enumerate(kinds)
    ]  # fmt: skip
    return Samples(
        kinds, people, [(0, n) for n in range(count)], np.arange(count) * 7919 % 10_007,
        np.full(count, 40_000.0), keypoints, confidences, similarity,
    )  # fmt: skip


def test_a_regression_finds_the_weights_that_made_the_data() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, (60_000, 3))
    true = np.array([1.5, -0.7, 0.0, 0.3])
    chances = 1 / (1 + np.exp(-(values @ true[:3] + true[3])))
    found = regression(values, (rng.uniform(0, 1, 60_000) < chances).astype(float), 0.0)
    np.testing.assert_allclose(found, true, atol=0.05)
    # Soft targets are met exactly.
    np.testing.assert_allclose(regression(values, chances, 0.0), true, atol=1e-6)


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_a_regression_of_what_is_always_so_ends(target: float) -> None:
    values = np.random.default_rng(0).normal(0, 1, (50, 2))
    found = regression(values, np.full(50, target), 1e-3)
    assert np.isfinite(found).all()
    assert abs(1 / (1 + np.exp(-found[-1])) - target) < 1e-3


def test_a_beta_curve_is_found_again() -> None:
    rng = np.random.default_rng(0)
    confidences = rng.uniform(0.02, 0.98, 100_000)
    right = (rng.uniform(0, 1, 100_000) < chance_of(confidences)).astype(float)
    np.testing.assert_allclose(beta_calibration(confidences, right), RIGHT_AT, atol=0.1)


def test_heatmaps_may_peak_at_nothing_and_at_one() -> None:
    """The decoder clips peaks to 0..1, so both ends occur."""
    rng = np.random.default_rng(0)
    confidences = np.clip(rng.uniform(-0.2, 1.2, 5000), 0, 1)
    right = (rng.uniform(0, 1, 5000) < confidences).astype(float)
    assert np.isfinite(beta_calibration(confidences, right)).all()
    samples = made_samples(300)
    samples.confidences[:20], samples.confidences[20:40] = 0, 1
    model = fit(samples, samples.kinds >= 0, COCO, "")
    expected = model.expected_oks(samples.keypoints, samples.confidences, samples.areas, COCO)
    assert np.isfinite(expected).all()


def test_a_curve_never_falls_whatever_the_data() -> None:
    rng = np.random.default_rng(0)
    confidences = rng.uniform(0.02, 0.98, 5000)
    for chances in (1 - confidences, 4 * (confidences - 0.5) ** 2, np.full(5000, 0.25)):
        right = (rng.uniform(0, 1, 5000) < chances).astype(float)
        a, b, d = beta_calibration(confidences, right)
        assert a >= 0
        assert b >= 0
        assert np.isfinite(d)


def test_left_and_right_share_what_is_fitted() -> None:
    groups = list(mirrored(COCO))
    assert len(groups) == 9
    assert groups[0] == (0,)
    assert (9, 10) in groups


def test_a_fit_on_made_people_is_what_made_them() -> None:
    samples = made_samples(6000)
    model = fit(samples, samples.kinds >= 0, COCO, "hash")
    assert model.weights_sha256 == "hash"
    steps = np.repeat(np.linspace(0.3, 0.95, 14)[:, None], 17, axis=1)
    apart = np.abs(model.calibrated(steps) - chance_of(steps))
    assert apart.max() < 0.05
    others = made_samples(3000, seed=1)
    expected = model.expected_oks(others.keypoints, others.confidences, others.areas, COCO)
    somebody = others.kinds != NOBODY
    best = 0.1 + 0.8 * chance_of(others.confidences).mean(
        axis=1
    )  # what no score can be better than
    assert np.abs(expected - best)[somebody].mean() < 0.06
    assert expected[~somebody].mean() < 0.15


def test_cross_validation_sees_the_gain() -> None:
    gain = cross_validate(made_samples(3000), COCO, 0.1)
    before, after = gain.boxes["worse boxes, background"]
    assert after.ap >= before.ap
    assert after.correlation > before.correlation
    assert after.error < 0.05
    assert gain.joints[1] < 0.02 < gain.joints[0]


def test_a_joint_that_nobody_has_labelled() -> None:
    samples = made_samples(30)
    samples.similarity[:, [3, 4]] = np.nan
    with pytest.raises(InputError, match="nobody has a labelled left_ear"):
        fit(samples, samples.kinds >= 0, COCO, "")
