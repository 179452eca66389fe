"""Reliability curves and their error, against values worked out by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from mpn_cli.base.skeletons import COCO
from mpn_cli.evaluation.ground_truth import read_ground_truth
from mpn_cli.evaluation.measuring import measure
from mpn_cli.evaluation.reliability import (
    Reliabilities,
    measure_reliability,
    reliability,
)
from mpn_cli.evaluation.results import read_results
from mpn_cli.report.charts import Axis, reliability_chart

AREA = 9000.0


def test_the_error_is_the_mean_distance_of_what_is_said_and_what_is_so() -> None:
    stated = np.array([0.15, 0.19, 0.85, 0.85, 0.85, 0.85, 1.0])
    true = np.array([0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0])
    found = reliability(stated, true)
    filled = {one.low: (one.count, one.stated, one.true) for one in found.bins if one.count}
    assert filled == {
        0.1: (2, pytest.approx(0.17), 0.5),
        0.8: (4, pytest.approx(0.85), 0.75),
        0.9: (1, 1.0, 1.0),
    }
    assert found.error == pytest.approx((2 * 0.33 + 4 * 0.10 + 0) / 7)
    assert reliability(np.empty(0), np.empty(0)).error == -1


def test_honest_chances_have_hardly_an_error() -> None:
    rng = np.random.default_rng(0)
    chances = rng.uniform(0, 1, 50_000)
    right = (rng.uniform(0, 1, 50_000) < chances).astype(float)
    assert reliability(chances, right).error < 0.01
    assert reliability(chances**2, right).error > 0.1


def pose_of(spread: float, joints: int) -> list[float]:
    """Labels of a grid; the first ``joints`` of them moved to an OKS term of ``spread``."""
    grid = np.array([(x * 40.0 + 20, y * 40.0 + 20) for y in range(6) for x in range(3)][:17])
    far = np.sqrt(-2 * np.log(spread) * AREA) * 2 * np.array(COCO.sigmas)
    grid[:joints, 0] += far[:joints]
    return np.column_stack([grid, np.full(17, 0.5)]).ravel().tolist()


@pytest.fixture
def measured(tmp_path: Path) -> Reliabilities:
    person = {"image_id": 1, "category_id": 1, "area": AREA, "bbox": [0, 0, 150, 300]}
    labels = pose_of(1.0, 0)
    labels[2::3] = [2.0] * 16 + [0.0]  # the last joint has no label
    truth = {
        "images": [{"id": 1, "width": 640, "height": 480}, {"id": 2}, {"id": 3}],
        "annotations": [
            {**person, "id": 1, "keypoints": labels, "num_keypoints": 16, "iscrowd": 0},
            {**person, "id": 2, "image_id": 3, "keypoints": [0] * 51, "num_keypoints": 0,
             "iscrowd": 0},
        ],
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO.keypoints)}],
    }  # fmt: skip
    results = [
        {"image_id": 1, "keypoints": pose_of(0.3, 8), "score": 0.95},  # 8 terms of 0.3, 8 of 1
        {"image_id": 1, "keypoints": pose_of(0.8, 16), "score": 0.75},  # a second pose of hers
        {"image_id": 2, "keypoints": pose_of(1.0, 0), "score": 0.35},  # nobody is there
        {"image_id": 3, "keypoints": pose_of(1.0, 0), "score": 0.05},  # on somebody unlabelled
    ]
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "results.json").write_text(
        json.dumps([{"category_id": 1, **one} for one in results])
    )
    read = read_ground_truth(tmp_path / "truth.json")
    found = read_results(tmp_path / "results.json", read)
    of = measure(read, found)
    return measure_reliability(read, found, of.evaluation.matches, of.nearest)


def test_poses_are_compared_with_whom_they_are_most_like(measured: Reliabilities) -> None:
    filled = {
        one.low: (one.count, one.stated, one.true) for one in measured.poses.bins if one.count
    }
    assert filled == {
        0.3: (1, 0.35, 0.0),
        0.7: (1, 0.75, pytest.approx(0.8)),
        0.9: (1, 0.95, pytest.approx(0.65)),
    }
    assert measured.poses.error == pytest.approx((0.35 + 0.05 + 0.3) / 3)
    assert measured.correlation == pytest.approx(
        np.corrcoef([0.95, 0.75, 0.35], [0.65, 0.8, 0.0])[0, 1]
    )


def test_joints_count_where_they_are_labelled(measured: Reliabilities) -> None:
    (filled,) = (one for one in measured.joints.bins if one.count)
    assert (filled.low, filled.count, filled.true) == (0.5, 32, 24 / 32)
    assert measured.joints.error == pytest.approx(0.25)


def test_the_chart_has_a_point_where_it_belongs() -> None:
    of = reliability(np.array([0.5, 0.5]), np.array([0.0, 1.0]))
    across = Axis("score", 0, 1, (0, 1))
    chart = reliability_chart(of, across, Axis("OKS", 0, 1, (0, 1)), "scores")
    assert chart.count("<circle") == 1
    assert "score 0.50, OKS 0.50: 2" in chart
    empty = reliability(np.empty(0), np.empty(0))
    assert "<circle" not in reliability_chart(empty, across, across, "none")
