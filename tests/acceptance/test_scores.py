"""Scores and joint confidences, from the command that fits them to the files they stand in."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mpn_cli.base.skeletons import COCO
from mpn_cli.networks.scoring import read_score_model
from tests.acceptance.conftest import Mpn
from tests.conftest import make_picture


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A data set of 24 pictures with two people each."""
    rng = np.random.default_rng(0)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(1, 25):
        name = make_picture(tmp_path / "set/images" / f"{number}.png", 320, 240, number).name
        images.append({"id": number, "file_name": name, "width": 320, "height": 240})
        for side in (0, 1):
            x, y, wide, high = 10 + 130 * side, 15, 110, 200
            places = rng.uniform(0, 1, (17, 2)) * (wide, high) + (x, y)
            seen = rng.integers(0, 3, 17)
            joints = np.column_stack([places, seen])
            annotations.append({
                "id": len(annotations) + 1, "image_id": number, "category_id": 1, "iscrowd": 0,
                "bbox": [x, y, wide, high], "area": 0.6 * wide * high,
                "keypoints": joints.ravel().tolist(), "num_keypoints": int((seen > 0).sum()),
            })  # fmt: skip
    categories = [{"id": 1, "name": "person", "keypoints": list(COCO.keypoints)}]
    file = tmp_path / "set/person_keypoints.json"
    file.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )
    return file


@pytest.fixture
def weights(tmp_path: Path, fresh_weights: Path) -> Path:
    return Path(shutil.copy(fresh_weights, tmp_path / "mine.safetensors"))


def recipe_of(out: Path) -> Any:
    return json.loads((out / "run.json").read_text())["job"]["recipe"]


def test_calibrated_weights_score_by_what_was_fitted(
    mpn: Mpn, tmp_path: Path, people: Path, weights: Path
) -> None:
    before = mpn("annotate", people, "--model", weights, "-o", "before")
    assert before.returncode == 0, before.stderr
    recipe = recipe_of(tmp_path / "before")
    assert (recipe["score"], recipe["joint_confidence"]) == ("paper", "network")

    done = mpn("calibrate", people.parent, "--model", weights, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    file = tmp_path / "mine-score.json"
    assert said["out"] == str(file)
    assert said["people"] == 48
    assert read_score_model(file).weights_sha256 == recipe["weights_sha256"]
    again = mpn("calibrate", people, "--model", weights, "-o", "again.json", "--quiet")
    assert (again.returncode, again.stdout) == (0, "")
    assert (tmp_path / "again.json").read_bytes() == file.read_bytes()

    for workers in (1, 2):
        done = mpn("annotate", people, "--model", weights, "--workers", workers, "--shard-size", 3,
                   "-o", f"after{workers}")  # fmt: skip
        assert done.returncode == 0, done.stderr
    one, two = ((tmp_path / f"after{n}/predictions.json").read_bytes() for n in (1, 2))
    assert one == two
    recipe = recipe_of(tmp_path / "after1")
    assert (recipe["score"], recipe["joint_confidence"]) == ("expected-oks", "calibrated")

    was_bytes = (tmp_path / "before/predictions.json").read_bytes()
    found, was = (
        {(pose["image_id"], *pose["bbox"]): pose for pose in json.loads(text)}
        for text in (one, was_bytes)
    )
    assert found.keys() == was.keys()
    for key, pose in found.items():
        joints, network = (np.array(of["keypoints"]).reshape(17, 3) for of in (pose, was[key]))
        assert (joints[:, :2] == network[:, :2]).all()
        chances = read_score_model(file).calibrated(network[None, :, 2])[0]
        np.testing.assert_allclose(joints[:, 2], chances, atol=2e-3)
        passing = network[network[:, 2] > 0.1, 2]
        mean = passing.mean() if len(passing) else 0.0
        assert was[key]["score"] == pytest.approx(mean, abs=1e-3)
        assert 0 < pose["score"] < 1
    scores = [(pose["image_id"], -pose["score"]) for pose in json.loads(one)]
    assert scores == sorted(scores)

    paper = mpn("annotate", people, "--model", weights, "--score", "paper",
                "--joint-confidence", "network", "-o", "paper")  # fmt: skip
    assert paper.returncode == 0, paper.stderr
    assert (tmp_path / "paper/predictions.json").read_bytes() == was_bytes


def test_what_cant_be_scored_or_calibrated(
    mpn: Mpn, tmp_path: Path, people: Path, weights: Path
) -> None:
    labels = json.loads(people.read_text())
    for one in labels["annotations"]:
        one["keypoints"][3 * 9 + 2] = one["keypoints"][3 * 10 + 2] = 0
    (tmp_path / "set/no_wrists.json").write_text(json.dumps(labels))
    (tmp_path / "set/images/1.png").rename(tmp_path / "set/images/gone.png")
    for arguments, message in (
        (("annotate", "set/images", "--model", weights, "--score", "expected-oks"),
         "--score expected-oks: the network has no score model; mpn calibrate makes one"),
        (("annotate", "set/images", "--score", "best"), "--score: Input should be"),
        (("calibrate",), "no labelled people: name a data set, or --held-out one"),
        (("calibrate", "nowhere", "--model", weights), "nowhere: No such file"),
        (("calibrate", people, "--model", weights), "1 of 24 pictures are not in"),
        (("calibrate", people, "--model", weights, "-o", "no/x.json"), "there is no folder no/"),
    ):  # fmt: skip
        done = mpn(*arguments)
        assert done.returncode == 2, done.stdout
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
    (tmp_path / "set/images/gone.png").rename(tmp_path / "set/images/1.png")
    done = mpn("calibrate", "set/no_wrists.json", "--model", weights)
    assert done.returncode == 2
    assert "nobody has a labelled left_wrist to calibrate with" in done.stderr


def test_the_held_out_tenth_alone(mpn: Mpn, tmp_path: Path, people: Path, weights: Path) -> None:
    done = mpn("calibrate", "--held-out", people, "--model", weights, "--json")
    assert done.returncode == 0, done.stderr
    pictures = json.loads(done.stdout)["pictures"]
    assert 0 < pictures < 24
