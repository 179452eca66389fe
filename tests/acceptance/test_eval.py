import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.acceptance.conftest import Mpn
from tests.cli.test_paper_tables import check_latex


def test_perfect_and_half_wrong_results(mpn: Mpn, tmp_path: Path, coco_dev: Path) -> None:
    truth = coco_dev / "person_keypoints.json"
    people = [p for p in json.loads(truth.read_text())["annotations"] if p["num_keypoints"]]
    results = [
        {"image_id": p["image_id"], "category_id": 1, "keypoints": p["keypoints"], "score": 1.0}
        for p in people
    ]
    (tmp_path / "perfect.json").write_text(json.dumps(results))
    done = mpn("eval", "perfect.json", "--gt", truth)
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    numbers = json.loads(mpn("eval", "perfect.json", "--gt", truth, "--json").stdout)
    assert list(numbers)[1:11] == [
        "AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL",
    ]  # fmt: skip
    assert numbers["AP"] > 0.99
    # Half of the people far away, with the same score: half of them are found.
    for result in results[::2]:
        result["keypoints"] = [value + 5000 for value in result["keypoints"]]
    (tmp_path / "half.json").write_text(json.dumps(results))
    numbers = json.loads(mpn("eval", "half.json", "--gt", truth, "--json").stdout)
    assert abs(numbers["AR50"] - 0.5) < 0.02
    (tmp_path / "none.json").write_text("[]")
    assert json.loads(mpn("eval", "none.json", "--gt", truth, "--json").stdout)["AP"] == 0


def test_what_cant_be_evaluated(mpn: Mpn, tmp_path: Path) -> None:
    pose = {"image_id": 7, "category_id": 1, "keypoints": [1, 2, 2] * 17, "score": 1.0}
    people = [{"id": 1, "image_id": 8, "keypoints": [0] * 51, "area": 9}]
    truth = {"images": [{"id": 8}], "annotations": people, "categories": []}
    (tmp_path / "results.json").write_text(json.dumps([pose]))
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "boxes.json").write_text(json.dumps({**truth, "annotations": []}))
    no_area = [{"id": 3, "image_id": 8, "keypoints": [1, 1, 2] * 17}]
    (tmp_path / "no-area.json").write_text(json.dumps({**truth, "annotations": no_area}))
    (tmp_path / "text.json").write_text("no json")
    for results, labels, message in (
        ("none.json", "truth.json", "none.json: No such file"),
        ("text.json", "truth.json", "text.json: not a list of COCO keypoint results"),
        ("results.json", "text.json", "text.json: not a COCO data set"),
        (
            "results.json",
            "no-area.json",
            "annotation 3 has neither area nor bbox, and OKS is measured in",
        ),
        ("results.json", "boxes.json", "no annotation has keypoints"),
        (
            "results.json",
            "truth.json",
            "none of its pictures is in truth.json (first",
        ),
    ):
        done = mpn("eval", results, "--gt", labels)
        assert done.returncode == 2
        assert message in done.stderr
        assert done.stderr.count("\n") == 1


def shifted(people: list[dict[str, Any]], pixels: float, seed: int) -> list[dict[str, Any]]:
    """A pose for each person, its joints moved at random by so many pixels."""
    rng = np.random.default_rng(seed)
    results = []
    for person in people:
        pose = np.array(person["keypoints"], dtype=float).reshape(-1, 3)
        pose[:, :2] += rng.normal(0, pixels, (17, 2))
        results.append({
            "image_id": person["image_id"], "category_id": 1, "score": float(rng.random()),
            "keypoints": pose.ravel().tolist(),
        })  # fmt: skip
    return results


def test_two_files_and_their_difference(mpn: Mpn, tmp_path: Path, coco_dev: Path) -> None:
    truth = coco_dev / "person_keypoints.json"
    people = [p for p in json.loads(truth.read_text())["annotations"] if p["num_keypoints"]]
    (tmp_path / "good.json").write_text(json.dumps(shifted(people, 2, 2)))
    (tmp_path / "bad.json").write_text(json.dumps(shifted(people, 8, 1)))
    (tmp_path / "same.json").write_text(json.dumps(shifted(people, 2, 3)))
    files = ("good.json", "bad.json", "same.json")
    done = mpn("eval", *files, "--gt", truth, "--latex", "t.tex", "--markdown", "t.md")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "B-A" in done.stdout
    written = (tmp_path / "t.tex").read_text()
    _head, *rows = check_latex(written[: written.index(r"\end{table}")] + r"\end{table}", 11)
    assert [row[0] for row in rows] == [
        cell for name in files for cell in (name, r"95 \% interval")
    ]  # fmt: skip
    lines = (tmp_path / "t.md").read_text().splitlines()
    assert sum(line.startswith("| ") for line in lines) == (2 + len(rows)) + (2 + 17)
    numbers = json.loads(mpn("eval", *files, "--gt", truth, "--json").stdout)
    bad, same = numbers["others"]
    low, high = bad["difference_intervals"]["AP"]
    assert low < bad["AP"] - numbers["AP"] < high < 0
    assert [row[1] for row in rows[::2]] == [f"{one['AP']:.3f}" for one in (numbers, bad, same)]
    nose, worse = numbers["joints"][0], bad["joints"][0]
    assert worse["pck"] <= nose["pck"] <= 1
    low, high = same["difference_intervals"]["AP"]
    assert low < 0 < high
    # Paired draws: the difference is known far better than the numbers themselves.
    own = numbers["intervals"]["AP"]
    assert high - low < own[1] - own[0]


def test_what_is_wrong_is_said_in_tables(mpn: Mpn, tmp_path: Path, coco_dev: Path) -> None:
    truth = coco_dev / "person_keypoints.json"
    candidates = coco_dev / "pose_candidates.json"
    done = mpn("eval", candidates, "--gt", truth, "--errors")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    for words in ("left_wrist", "3+ overlap", "inversion", "missed people", "Worst pictures"):
        assert words in done.stdout
    found = json.loads(mpn("eval", candidates, "--gt", truth, "--errors", "--json").stdout)
    assert all(ap >= found["AP"] - 0.005 for ap in found["errors"]["ap_mended"].values())
    assert found["errors"]["worst"][0]["name"].endswith(".jpg")


def test_labels_without_their_count_of_joints(mpn: Mpn, tmp_path: Path, coco_dev: Path) -> None:
    truth = json.loads((coco_dev / "person_keypoints.json").read_text())
    (tmp_path / "results.json").write_text(json.dumps(shifted(truth["annotations"][:50], 2, 0)))
    for annotation in truth["annotations"]:
        del annotation["num_keypoints"]
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    expected = mpn("eval", "results.json", "--gt", coco_dev / "person_keypoints.json", "--json")
    for engine in ("mpn", "hotcoco", "pycocotools"):
        done = mpn("eval", "results.json", "--gt", "truth.json", "--engine", engine, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["AP"] == json.loads(expected.stdout)["AP"]


def test_nothing_is_cut_off(mpn: Mpn, tmp_path: Path, coco_dev: Path) -> None:
    truth = coco_dev / "person_keypoints.json"
    people = [p for p in json.loads(truth.read_text())["annotations"] if p["num_keypoints"]][:40]
    for name, pixels in (("a.json", 2), ("b.json", 6)):
        (tmp_path / name).write_text(json.dumps(shifted(people, pixels, 1)))
    one = json.loads(mpn("eval", "a.json", "b.json", "--gt", truth, "--json").stdout)
    (other,) = one["others"]
    names = list(one)[1:11]
    for columns in ("60", "80", "100"):
        printed = mpn("eval", "a.json", "b.json", "--gt", truth, COLUMNS=columns).stdout
        words = printed.split()
        assert "\u2026" not in printed
        for name in names:
            low, high = other["difference_intervals"][name]
            for value in (f"{other[name] - one[name]:+.3f}", f"{low:+.3f}", f"{high:+.3f}"):
                assert value in words, (columns, name)
        assert max(map(len, printed.splitlines())) <= int(columns)
