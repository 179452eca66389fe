"""Found joints become labels only where nobody labelled any."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import COCO
from mpn_cli.training.labelling import Labelled, label
from mpn_cli.training.pose.people import load_people
from tests.training.test_training_loop import write_data_set


def write_found(tmp_path: Path, joints: int = 17) -> dict[str, Any]:
    """A pose for all but the first of 16 people: odd joints at 0.9, even ones at 0.2."""
    write_data_set(tmp_path / "data")
    content = json.loads((tmp_path / "data" / "person_keypoints.json").read_text())
    found = [
        {"image_id": one["image_id"], "bbox": one["bbox"], "category_id": 1, "score": 0.5,
         "keypoints": [v for joint in range(joints) for v in (joint, 50, (0.2, 0.9)[joint % 2])]}
        for one in content["annotations"][1:]
    ]  # fmt: skip
    (tmp_path / "found.json").write_text(json.dumps(found))
    return dict(content)


def test_unlabelled_joints_take_what_was_found(tmp_path: Path) -> None:
    write_found(tmp_path)
    before = load_people(tmp_path / "data", 17)
    added = label(tmp_path / "data", tmp_path / "found.json", tmp_path / "more.json")
    after = load_people(tmp_path / "more.json", 17)
    assert after.pictures == before.pictures
    assert (after.weights[0] == before.weights[0]).all()  # nobody was found there
    labelled = before.weights > 0
    odd = np.arange(17) % 2 == 1
    assert added == Labelled(people=16, found=15, joints=int((~labelled[1:] & odd).sum()))
    expected = np.where(labelled, 1, 0.9 * odd)[1:]
    np.testing.assert_allclose(after.weights[1:], expected, atol=1e-6)
    assert (after.keypoints[labelled] == before.keypoints[labelled]).all()
    for person, joint in np.add(np.argwhere(~labelled[1:] & odd), (1, 0)):
        assert after.keypoints[person, joint].tolist() == [joint, 50]


def test_joints_in_another_order_are_matched_by_name(tmp_path: Path) -> None:
    content = write_found(tmp_path)
    file = tmp_path / "data" / "person_keypoints.json"
    content["categories"] = [{"id": 1, "name": "person", "keypoints": COCO.keypoints[::-1]}]
    file.write_text(json.dumps(content))
    before = load_people(file, 17)  # in the network's order
    label(file, tmp_path / "found.json", tmp_path / "more.json")
    after = load_people(tmp_path / "more.json", 17)
    added = (after.weights > 0) & (before.weights == 0)
    assert added[1:, 1::2].any()
    assert not added[:, ::2].any()
    for person, joint in np.argwhere(added):
        assert after.keypoints[person, joint].tolist() == [joint, 50]


def test_other_fields_stay(tmp_path: Path) -> None:
    content = write_found(tmp_path)
    content["info"] = {"year": 2024}
    for one in content["annotations"]:
        one["segmentation"] = [[1, 2, 3, 4, 5, 6]]
    file = tmp_path / "data" / "person_keypoints.json"
    file.write_text(json.dumps(content))
    label(file, tmp_path / "found.json", tmp_path / "more.json")
    more = json.loads((tmp_path / "more.json").read_text())
    assert more["info"] == {"year": 2024}
    for old, new in zip(content["annotations"], more["annotations"], strict=True):
        changed = {"keypoints", "keypoint_confidences", "num_keypoints"}
        assert {k: v for k, v in new.items() if k not in changed} == {
            k: v for k, v in old.items() if k not in changed
        }
        assert new["num_keypoints"] >= sum(v > 0 for v in old["keypoints"][2::3])


def test_what_cant_be_used(tmp_path: Path) -> None:
    write_found(tmp_path, joints=16)
    places = tmp_path / "data", tmp_path / "found.json", tmp_path / "more.json"
    with pytest.raises(InputError, match=r"annotation 2 has 17 joints, its prediction 16"):
        label(*places)
    places[1].write_text("[]")
    with pytest.raises(InputError, match=r"found.json: no pose in a box of"):
        label(*places)
    assert not places[2].exists()
    places[2].write_text("mine")
    with pytest.raises(InputError, match=r"more.json is there already"):
        label(*places)
    assert places[2].read_text() == "mine"
