"""Found joints become labels only where nobody labelled any."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from mpn_cli.training.pose.people import load_people
from tests.training.test_training import write_data_set


def test_unlabelled_joints_take_what_was_found(tmp_path: Path) -> None:
    write_data_set(tmp_path / "data")
    before = load_people(tmp_path / "data", 17)
    content = json.loads((tmp_path / "data" / "person_keypoints.json").read_text())
    found = [
        {"image_id": one["image_id"], "bbox": one["bbox"],
         "keypoints": [v for joint in range(17) for v in (joint, 50, 0.9 if joint % 2 else 0.2)]}
        for one in content["annotations"][1:]
    ]  # fmt: skip
    (tmp_path / "found.json").write_text(json.dumps(found))
    subprocess.run(
        [sys.executable, "-m", "mpn_cli.training.self_labels", tmp_path / "data",
         tmp_path / "found.json", "-o", tmp_path / "more.json"], check=True,
    )  # fmt: skip
    after = load_people(tmp_path / "more.json", 17)
    assert after.pictures == before.pictures
    assert (after.weights[0] == before.weights[0]).all()  # nobody was found there
    labelled = before.weights > 0
    odd = np.arange(17) % 2 == 1
    expected = np.where(labelled, 1, 0.9 * odd)[1:]
    np.testing.assert_allclose(after.weights[1:], expected, atol=1e-6)
    assert (after.keypoints[labelled] == before.keypoints[labelled]).all()
    for person, joint in np.add(np.argwhere(~labelled[1:] & odd), (1, 0)):
        assert after.keypoints[person, joint].tolist() == [joint, 50]
