"""Our evaluation and hotcoco against the judge, on random and adversarial files, bit by bit."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mpn_cli.evaluation.coco import (
    BOXES,
    Engine,
    Evaluation,
    coco_stats,
    keypoint_numbers,
    load_truth,
)
from mpn_cli.evaluation.ground_truth import read_ground_truth
from mpn_cli.evaluation.matches import NAMES
from mpn_cli.evaluation.measuring import OWN, measure
from mpn_cli.evaluation.results import read_results

CONTENT = tuple[dict[str, Any], list[dict[str, Any]]]


def random_files(seed: int, joints: int = 17, pictures: int = 30, **odd: Any) -> CONTENT:
    """People, crowds and poses near, far and doubled; ``odd`` switches the corners on."""
    rng = np.random.default_rng(seed)
    images = [{"id": 10 * n + 1, "width": 640, "height": 480} for n in range(pictures)]
    people: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image in images:
        if odd.get("missing") and rng.random() < 0.3:
            continue
        for _ in range(int(rng.integers(0, odd.get("most", 6)))):
            wide, high = rng.uniform(15, 200, 2)
            x, y = rng.uniform(0, 400, 2)
            places = np.column_stack([
                x + wide * rng.random(joints), y + high * rng.random(joints),
                rng.choice([0, 1, 2], joints),
            ])  # fmt: skip
            if odd.get("unlabelled") and rng.random() < 0.3:
                places[:, 2] = 0
            places[places[:, 2] == 0] = 0
            crowd = int(rng.random() < odd.get("crowds", 0.0))
            people.append({
                "id": len(people) + 1, "image_id": image["id"], "category_id": 1,
                "bbox": [x, y, wide, high], "area": wide * high * 0.6, "iscrowd": crowd,
                "keypoints": places.ravel().round(2).tolist(),
                "num_keypoints": int((places[:, 2] > 0).sum()),
            })  # fmt: skip
            for _ in range(int(rng.integers(0, 4))):
                size = rng.choice([0.5, 3, 12, 60])
                moved = places[:, :2] + rng.normal(0, size, (joints, 2))
                score = rng.random() if not odd.get("ties") else rng.integers(1, 4) / 4
                pose = np.column_stack([moved, np.full(joints, 0.5)]).ravel()
                result = {"image_id": image["id"], "category_id": 1, "score": float(score),
                          "keypoints": pose.round(3).tolist()}  # fmt: skip
                if odd.get("boxes"):
                    result["bbox"] = [x, y, wide * 1.1, high]
                results.append(result)
    truth = {"images": images, "annotations": people, "categories": [
        {"id": 1, "name": "person", "keypoints": [str(n) for n in range(joints)], "skeleton": []}
    ]}  # fmt: skip
    return truth, results


CORNERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "with boxes": {"boxes": True},
    "crowds": {"crowds": 0.4},
    "no labelled joint": {"unlabelled": True},
    "ties": {"ties": True},
    "over twenty a picture": {"most": 25},
    "pictures without anybody": {"missing": True},
    "all at once": {"boxes": True, "crowds": 0.3, "unlabelled": True, "ties": True,
                    "most": 15, "missing": True},
}  # fmt: skip


def measured(folder: Path, files: CONTENT, engine: str, sigmas: str | None = None) -> Evaluation:
    """What ``mpn eval`` makes of two files."""
    for name, content in zip(("truth.json", "results.json"), files, strict=True):
        (folder / name).write_text(json.dumps(content))
    truth = read_ground_truth(folder / "truth.json", sigmas)
    return measure(truth, read_results(folder / "results.json", truth), engine).evaluation


@pytest.mark.parametrize("corner", CORNERS)
@pytest.mark.parametrize("seed", range(3))
def test_the_same_ten_numbers(tmp_path: Path, corner: str, seed: int) -> None:
    truth, results = random_files(seed, **CORNERS[corner])
    hotcoco, judge = (keypoint_numbers(load_truth(truth, engine), results) for engine in Engine)
    assert list(judge) == list(NAMES)
    assert hotcoco == judge
    assert measured(tmp_path, (truth, results), OWN).numbers == judge


@pytest.mark.parametrize("corner", CORNERS)
def test_the_same_matches(tmp_path: Path, corner: str) -> None:
    files = random_files(5, **CORNERS[corner])
    ours, judge = (measured(tmp_path, files, engine).matches for engine in (OWN, "pycocotools"))
    assert ours.pictures == judge.pictures
    assert ours.groups.keys() == judge.groups.keys()
    for key, expected in judge.groups.items():
        found = ours.groups[key]
        for name in ("result_ids", "result_pictures", "scores", "partners", "result_ignored"):
            assert np.array_equal(getattr(found, name), getattr(expected, name)), (key, name)
        # pycocotools lists a picture's people in another order.
        mine, theirs = found.person_ids.argsort(), expected.person_ids.argsort()
        for name in ("person_ids", "person_pictures", "person_ignored", "found_by"):
            a, b = getattr(found, name)[..., mine], getattr(expected, name)[..., theirs]
            assert np.array_equal(a, b), (key, name)


def test_several_categories(tmp_path: Path) -> None:
    truth, results = random_files(2, crowds=0.2, unlabelled=True, ties=True, most=9)
    truth["categories"].append({"id": 2, "name": "dog"})
    for number, one in enumerate([*truth["annotations"], *results]):
        one["category_id"] = 1 + number % 2
    ours, judge = (measured(tmp_path, (truth, results), e).numbers for e in (OWN, "pycocotools"))
    assert ours == judge


def test_other_joints_and_sigmas(tmp_path: Path) -> None:
    truth, results = random_files(0, joints=5)
    sigmas = [0.05, 0.1, 0.02, 0.08, 0.3]
    ours, judge = (keypoint_numbers(load_truth(truth, e), results, sigmas) for e in Engine)
    assert ours == judge
    assert ours != keypoint_numbers(load_truth(truth), results, [0.05] * 5)
    own = measured(tmp_path, (truth, results), OWN, ",".join(map(str, sigmas)))
    assert own.numbers == judge


def test_boxes() -> None:
    truth, results = random_files(4, boxes=True, crowds=0.2, most=30)
    ours, judge = (coco_stats(load_truth(truth, engine), results, BOXES) for engine in Engine)
    assert ours == judge


def test_real_results(coco_dev: Path, tmp_path: Path) -> None:
    labels = str(coco_dev / "person_keypoints.json")
    candidates = str(coco_dev / "pose_candidates.json")
    ours, judge = (keypoint_numbers(load_truth(labels, e), candidates) for e in Engine)
    assert ours == judge
    read = read_ground_truth(Path(labels))
    assert measure(read, read_results(Path(candidates), read)).evaluation.numbers == judge
    some = json.loads(Path(candidates).read_text())[:40]
    ours, judge = (keypoint_numbers(load_truth(labels, e), some) for e in Engine)
    assert ours == judge
