"""mpn export and mpn convert, started as a user does."""

import csv
import json
from pathlib import Path

import numpy as np

from tests.acceptance.conftest import Mpn
from tests.conftest import ROOT


def test_results_and_networks_for_other_tools(tmp_path: Path, mpn: Mpn) -> None:
    examples = ROOT / "examples"
    people = (examples / "people.json", "--images", examples)
    ours = mpn("annotate", *people, "-o", "ours", "-q")
    assert ours.returncode == 0, ours.stderr

    made = mpn("export", "mobileposenet-256x192", "--to", "onnx", "-o", "pose.onnx", "--json")
    assert (made.returncode, made.stderr) == (0, "")
    said = json.loads(made.stdout)
    assert said["files"] == ["pose.onnx", "pose-score.json"]
    assert 0 < said["difference"] < 1e-5
    theirs = mpn("annotate", *people, "-o", "theirs", "-q", "--model", "onnx:pose.onnx")
    assert theirs.returncode == 0, theirs.stderr
    poses, again = (
        json.loads((tmp_path / out / "predictions.json").read_text()) for out in ("ours", "theirs")
    )
    assert [p["image_id"] for p in poses] == [p["image_id"] for p in again]
    for one, other in zip(poses, again, strict=True):
        np.testing.assert_allclose(one["keypoints"], other["keypoints"], atol=0.05)
        assert abs(one["score"] - other["score"]) < 1e-3
    foreign = mpn("export", "mobileposenet-256x192", "--to", "onnx", "-o", "ours/run.json")
    assert (foreign.returncode, foreign.stdout) == (2, "")
    assert "ours/run.json is there already, and mpn did not write it" in foreign.stderr
    other = mpn("export", "onnx:pose.onnx", "--to", "torchscript")
    assert (other.returncode, "is not a network of mpn's" in other.stderr) == (2, True)

    done = mpn("convert", "ours", "--to", "csv", "-o", "poses.csv", "--pose-thr", "0", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["people"] == len(poses)
    with (tmp_path / "poses.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 17 * len(poses)
    found = [float(row["confidence"]) for row in rows]
    assert found == [c for pose in poses for c in pose["keypoints"][2::3]]
    placed = [row for row in rows if row["x"]]
    assert {row["visibility"] for row in rows if not row["x"]} <= {"0"}
    flat = {
        (pose["image_id"], pose["keypoints"][3 * joint], pose["keypoints"][3 * joint + 1])
        for pose in poses
        for joint in range(17)
    }
    assert len(placed) > 100
    assert {(int(r["image_id"]), float(r["x"]), float(r["y"])) for r in placed} <= flat
    linked = mpn("convert", "ours", "--to", "yolo", "-o", "yolo", "-q")
    assert linked.returncode == 0, linked.stderr
    picture = tmp_path / "yolo" / "images" / "000000000785.jpg"
    assert picture.resolve() == (examples / picture.name).resolve()
    nothing = mpn("convert", "yolo", "--to", "csv", "-o", "more.csv")
    assert (nothing.returncode, (tmp_path / "more.csv").exists()) == (2, False)
    assert "yolo/ holds no finished run of mpn annotate" in nothing.stderr
