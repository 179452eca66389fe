import json
from pathlib import Path

from tests.acceptance.conftest import Mpn


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
    assert list(numbers)[1:-1] == [
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
    truth = {"images": [{"id": 8}], "annotations": [], "categories": []}
    truth["annotations"] = [{"image_id": 8, "keypoints": [0] * 51}]
    (tmp_path / "results.json").write_text(json.dumps([pose]))
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "boxes.json").write_text(json.dumps({**truth, "annotations": []}))
    (tmp_path / "text.json").write_text("no json")
    for results, labels, message in (
        ("none.json", "truth.json", "none.json: No such file"),
        ("text.json", "truth.json", "text.json: not a list of COCO keypoint results"),
        ("results.json", "text.json", "text.json: not a COCO data set"),
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
