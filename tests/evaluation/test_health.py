"""Each thing that is odd about a results file is said in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.acceptance.conftest import Mpn
from tests.acceptance.conftest import mpn as mpn  # the fixture
from tests.evaluation.test_engines import random_files

Results = list[dict[str, Any]]


def near_results(truth: dict[str, Any]) -> Results:
    """A pose for each person, a pixel's fraction away from the labels."""
    rng = np.random.default_rng(0)
    results = []
    for person in truth["annotations"]:
        pose = np.array(person["keypoints"]).reshape(-1, 3)
        pose[:, :2] += rng.normal(0, 0.3, (17, 2))
        results.append({
            "image_id": person["image_id"], "category_id": 1, "score": float(rng.random()),
            "keypoints": pose.ravel().tolist(),
        })  # fmt: skip
    return results


def moved(results: Results, change: Callable[[np.ndarray], np.ndarray]) -> Results:
    changed = []
    for one in results:
        pose = np.array(one["keypoints"]).reshape(-1, 3)
        pose[:, :2] = change(pose[:, :2])
        changed.append({**one, "keypoints": pose.ravel().tolist()})
    return changed


ODD: dict[str, tuple[Callable[[Results], Results], str]] = {
    "strangers": (
        lambda r: [*r, {**r[0], "image_id": 5}],
        "1 results are for 1 pictures that the ground truth does not have (first: image id 5)",
    ),
    "silent": (lambda r: [one for one in r if one["image_id"] > 60], "have no result (first:"),
    "category": (
        lambda r: [*r, {**r[0], "category_id": 9}],
        "1 results have a category that the ground truth does not have (9)",
    ),
    "scores": (lambda r: [{**one, "score": 0.5} for one in r], "all scores are 0.5"),
    "crowded": (
        lambda r: [*r, *({**r[0], "score": 0.1 + n / 99, "keypoints": [n, 9.0, 1] * 17}
                         for n in range(25))],
        "more than 20 results",
    ),
    "doubled": (lambda r: [*r, r[0], r[1]], "2 results appear twice"),
    "outside": (lambda r: moved(r, lambda xy: xy + 400), "of the joints lie outside their pict"),
    "normalised": (
        lambda r: moved(r, lambda xy: xy.clip(0) / 800),
        "all coordinates are between 0 and 1: pixels are expected",
    ),
    "off by one": (lambda r: moved(r, lambda xy: xy + 1), "joints lie +1.0, +1.0 pixels from"),
}  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> tuple[dict[str, Any], Results]:
    truth, _ = random_files(0, pictures=40)
    for person in truth["annotations"]:
        person["iscrowd"] = 0
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    return truth, near_results(truth)


def said(mpn: Mpn, tmp_path: Path, results: Results) -> list[str]:
    (tmp_path / "results.json").write_text(json.dumps(results))
    done = mpn("eval", "results.json", "--gt", "truth.json", "--json")
    assert done.returncode == 0, done.stderr
    odd: list[str] = json.loads(done.stdout)["odd"]
    return odd


def test_nothing_odd_is_nothing_said(
    mpn: Mpn, tmp_path: Path, files: tuple[dict[str, Any], Results]
) -> None:
    assert said(mpn, tmp_path, files[1]) == []


@pytest.mark.parametrize("case", ODD)
def test_each_oddity_is_one_line(
    mpn: Mpn, tmp_path: Path, files: tuple[dict[str, Any], Results], case: str
) -> None:
    change, message = ODD[case]
    lines = said(mpn, tmp_path, change(files[1]))
    assert [line for line in lines if message in line], lines
    assert len(lines) <= 2


def test_no_results(mpn: Mpn, tmp_path: Path, files: tuple[dict[str, Any], Results]) -> None:
    assert said(mpn, tmp_path, []) == ["there are no results at all"]


def test_what_has_no_numbers(
    mpn: Mpn, tmp_path: Path, files: tuple[dict[str, Any], Results]
) -> None:
    good = files[1]
    cases: dict[str, tuple[str, str]] = {
        "no id": (
            json.dumps([{**good[0], "image_id": None}]), "Expected `int | str`, got `null` - at `$",
        ),
        "NaN": (
            json.dumps([{**good[0], "score": float("nan")}]), "holds NaN or Infinity",
        ),
        "joints": (
            json.dumps([{**good[0], "keypoints": [1, 2, 1] * 16}]),
            "result 0 has 16 joints, the ground truth 17",
        ),
        "strangers only": (
            json.dumps([{**good[0], "image_id": 5}]), "none of its pictures is in truth.json",
        ),
    }  # fmt: skip
    for content, message in cases.values():
        (tmp_path / "results.json").write_text(content)
        done = mpn("eval", "results.json", "--gt", "truth.json")
        assert done.returncode == 2
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
    for option, value, message in (
        ("--engine", "x", "--engine x: not one of mpn, hotcoco, pycocotools"),
        ("--sigmas", "0.1,0.2", "--sigmas 0.1,0.2: 17 numbers over 0"),
    ):
        (tmp_path / "results.json").write_text(json.dumps(good))
        done = mpn("eval", "results.json", "--gt", "truth.json", option, value)
        assert done.returncode == 2
        assert message in done.stderr


def test_strangers_are_left_out_of_the_numbers(
    mpn: Mpn, tmp_path: Path, files: tuple[dict[str, Any], Results]
) -> None:
    numbers = []
    for results in (files[1], [*files[1], {**files[1][0], "image_id": 5}]):
        (tmp_path / "results.json").write_text(json.dumps(results))
        found = json.loads(mpn("eval", "results.json", "--gt", "truth.json", "--json").stdout)
        numbers.append({name: found[name] for name in ("AP", "AR")})
    assert numbers[0] == numbers[1]
