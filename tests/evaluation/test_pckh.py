"""MPII's PCKh on hand-made people, and on real labels."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from mpn_cli.evaluation.pckh import is_mpii, pckh, read_mpii, read_mpii_results
from tests.acceptance.conftest import Mpn
from tests.acceptance.conftest import mpn as mpn  # the fixture

HEAD = 0.6 * 50.0
"""Pixels: a head box of 30 x 40."""


def person(image: str, left: float, **more: Any) -> dict[str, Any]:
    joints = [[left + 10.0 * n, 100.0 + 5 * n] for n in range(16)]
    return {
        "image": image, "joints": joints, "joints_vis": [1] * 16, "scale": 1.0,
        "center": [left + 75.0, 137.0], "headbox": [0, 0, 30, 40], **more,
    }  # fmt: skip


def result(picture: int, joints: list[list[float]], by: float = 0.0) -> dict[str, Any]:
    """Joints count from 1 in MPII's files and from 0 in results."""
    pose = [value for x, y in joints for value in (x - 1 + by, y - 1, 0.9)]
    return {"image_id": picture, "category_id": 1, "keypoints": pose, "score": 0.5}


def write(folder: Path, people: list[Any], results: list[Any]) -> tuple[Path, Path]:
    (folder / "mpii.json").write_text(json.dumps(people))
    (folder / "results.json").write_text(json.dumps(results))
    return folder / "mpii.json", folder / "results.json"


def test_thresholds_are_shares_of_the_head(tmp_path: Path) -> None:
    people = [person("7.jpg", 50), person("8.jpg", 60)]
    for away, right in ((0.0, 1.0), (0.49, 1.0), (0.51, 0.0)):
        files = write(tmp_path, people, [
            result(7, people[0]["joints"], away * HEAD), result(8, people[1]["joints"]),
        ])  # fmt: skip
        truth = read_mpii(files[0])
        score = pckh(truth, read_mpii_results(files[1], truth))
        assert score.total == pytest.approx((1 + right) / 2)
        assert score.people == 2
        assert score.joints == 2 * 14
    # One of two people is 0.3 heads away: right from threshold 0.3 on, 21 of 51.
    files = write(tmp_path, people, [
        result(7, people[0]["joints"], 0.295 * HEAD), result(8, people[1]["joints"]),
    ])  # fmt: skip
    score = pckh(truth, read_mpii_results(files[1], truth))
    assert score.mean == pytest.approx((1 + 21 / 51) / 2)
    assert score.tenth == pytest.approx(0.5)


def test_groups_and_joints_that_do_not_count(tmp_path: Path) -> None:
    one = person("7.jpg", 50)
    one["joints_vis"][0] = 0  # the right ankle
    wrong = [list(joint) for joint in one["joints"]]
    for joint in (0, 6, 7, 15):  # unlabelled ankle, pelvis, thorax, left wrist
        wrong[joint][0] += 400
    files = write(tmp_path, [one], [result(7, wrong)])
    truth = read_mpii(files[0])
    score = pckh(truth, read_mpii_results(files[1], truth))
    assert score.groups == {
        "Head": 1, "Sho.": 1, "Elb.": 1, "Wri.": 0.5, "Hip": 1, "Knee": 1, "Ank.": 1,
    }  # fmt: skip
    assert score.total == pytest.approx(12 / 13)


def test_each_person_gets_their_own_pose(tmp_path: Path) -> None:
    people = [person("7.jpg", 50), person("7.jpg", 400), person("9.jpg", 10)]
    poses = [result(7, people[1]["joints"]), result(7, people[0]["joints"])]
    files = write(tmp_path, people, poses)
    truth = read_mpii(files[0])
    score = pckh(truth, read_mpii_results(files[1], truth))
    assert score.total == pytest.approx(2 / 3)
    assert score.without_result == 1


def test_mat_files(tmp_path: Path) -> None:
    people = [person("7.jpg", 50), person("8.jpg", 60)]
    joints = np.array([one["joints"] for one in people])
    missing = np.zeros((16, 2))
    missing[3, 1] = 1
    savemat(tmp_path / "gt_valid.mat", {
        "pos_gt_src": np.moveaxis(joints, 0, 2), "jnt_missing": missing,
        "headboxes_src": np.array([[[5, 5], [5, 5]], [[35, 35], [45, 45]]]),
    })  # fmt: skip
    moved = joints.copy()
    moved[0] += (0, 0.52 * HEAD)
    savemat(tmp_path / "pred.mat", {"preds": moved})
    truth = read_mpii(tmp_path / "gt_valid.mat")
    score = pckh(truth, read_mpii_results(tmp_path / "pred.mat", truth))
    assert score.joints == 27
    assert score.total == pytest.approx(13 / 27)
    assert truth.head_boxes


def test_real_labels(mpn: Mpn, tmp_path: Path, coco_dev: Path) -> None:
    labels = coco_dev.parent / "mpii_sample" / "mpii.json"
    assert is_mpii(labels)
    people = json.loads(labels.read_text())
    results = [result(int(Path(one["image"]).stem), one["joints"]) for one in people]
    (tmp_path / "results.json").write_text(json.dumps(results))
    done = mpn("eval", "results.json", "--gt", labels)
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "has no head boxes" in done.stderr
    found = json.loads(mpn("eval", "results.json", "--gt", labels, "--json").stdout)
    assert found["total"] == 1
    # Half a head to the side, by the labels' own heads: everything is just wrong.
    truth = read_mpii(labels)
    for one, head in zip(results, truth.heads, strict=True):
        one["keypoints"][::3] = [x + 0.51 * head for x in one["keypoints"][::3]]
    (tmp_path / "results.json").write_text(json.dumps(results))
    found = json.loads(mpn("eval", "results.json", "--gt", labels, "--json").stdout)
    assert found["total"] == 0
    assert found["people"] == len(people)


def test_files_that_fit_nothing(mpn: Mpn, tmp_path: Path) -> None:
    write(tmp_path, [person("7.jpg", 50)], [result(8, person("", 0)["joints"])])
    (tmp_path / "few.json").write_text(json.dumps([{**result(7, []), "keypoints": [1, 2, 3]}]))
    savemat(tmp_path / "other.mat", {"x": [1]})
    (tmp_path / "text.mat").write_text("no matrix")
    for files, message in (
        (("results.json", "mpii.json"), "none of its pictures is in the ground truth"),
        (("few.json", "mpii.json"), "few.json: result 0 has 1 joints, MPII has 16"),
        (("results.json", "other.mat"), "other.mat: no pos_gt_src: not MPII's gt_valid.mat"),
        (("results.json", "text.mat"), "text.mat: not a MATLAB file"),
        (("other.mat", "mpii.json"), "other.mat: preds is nothing, not (1, 16, 2)"),
    ):
        done = mpn("eval", files[0], "--gt", files[1])
        assert done.returncode == 2
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
