"""PCK of joints, against shares counted by hand."""

import json
from pathlib import Path

import numpy as np

from mpn_cli.evaluation.ground_truth import read_ground_truth
from mpn_cli.evaluation.pck import pck_by_joint
from mpn_cli.evaluation.results import read_results

NOSE, LEFT_EYE, RIGHT_EYE = 0, 1, 2


def test_shares_of_labelled_joints(tmp_path: Path) -> None:
    grid = np.column_stack([np.arange(17) * 10.0, np.arange(17) * 5.0, np.full(17, 2.0)])
    labels = grid.copy()
    labels[RIGHT_EYE] = 0  # nobody has labelled it
    person = {"category_id": 1, "area": 5000, "iscrowd": 0, "num_keypoints": 16,
              "keypoints": labels.ravel().tolist()}  # fmt: skip
    truth = {
        "images": [{"id": 1}, {"id": 2}, {"id": 3}],
        "annotations": [
            {**person, "id": 1, "image_id": 1, "bbox": [0, 0, 50, 100]},  # reach: 20 pixels
            {**person, "id": 2, "image_id": 2},  # the labels are 160 wide: reach 32
            {**person, "id": 3, "image_id": 3, "bbox": [0, 0, 50, 100]},  # without a result
        ],
        "categories": [{"id": 1, "name": "person"}],
    }
    near, far = grid.copy(), grid.copy()
    near[NOSE, :2] += (12, 16)  # 20 pixels away, which is just near enough
    near[LEFT_EYE, :2] += (12, 16.1)
    far[NOSE, 1] += 31.9
    far[LEFT_EYE, 1] += 32.1
    results = [
        {"image_id": n, "category_id": 1, "score": 1, "keypoints": pose.ravel().tolist()}
        for n, pose in ((1, near), (2, far))
    ]
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "results.json").write_text(json.dumps(results))
    read = read_ground_truth(tmp_path / "truth.json")
    found = read_results(tmp_path / "results.json", read)
    shares = pck_by_joint(read, found, np.array([(0, 0), (1, 1)]))
    assert shares[NOSE] == 2 / 3
    assert shares[LEFT_EYE] == 0
    assert shares[RIGHT_EYE] == -1
    assert (shares[3:] == 2 / 3).all()
