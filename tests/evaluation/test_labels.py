"""Each thing that is odd about a ground truth is said in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import COCO
from mpn_cli.evaluation.ground_truth import read_ground_truth
from tests.evaluation.test_engines import random_files

Content = dict[str, Any]


def people(**fields: Any) -> Callable[[Content], object]:
    return lambda truth: [one.update(fields) for one in truth["annotations"]]


def keypoints(change: Callable[[list[float]], list[float]]) -> Callable[[Content], object]:
    return lambda truth: [
        one.update(keypoints=change(one["keypoints"])) for one in truth["annotations"]
    ]


def joints(*names: str) -> Callable[[Content], object]:
    return lambda truth: truth["categories"][0].update(keypoints=names)


SWAPPED = (*COCO.keypoints[:5], "Right-Shoulder", "LeftShoulder", *COCO.keypoints[7:])

ODD: dict[str, tuple[Callable[[Content], object], str]] = {
    "no area": (people(area=0), "people have an area of 0 (first: annotation 1)"),
    "less than none": (people(area=-5), "people have an area of -5 (first: annotation 1)"),
    "shares": (people(area=0.02), "people have an area of 0.02 (first: annotation 1)"),
    "count 0": (people(num_keypoints=0), "num_keypoints is 0 for"),
    "count without joints": (
        lambda truth: truth["annotations"].append(
            {**truth["annotations"][0], "id": 999, "keypoints": [0] * 51, "num_keypoints": 3}
        ),
        "num_keypoints is over 0 for 1 people without a labelled joint (first: annotation 999)",
    ),
    "twice": (
        lambda truth: truth["annotations"].append(truth["annotations"][0]),
        "1 labelled people appear twice (first: annotation 1)",
    ),
    "ids twice": (
        lambda truth: truth["annotations"].append({**truth["annotations"][5], "id": 1}),
        "1 annotation ids appear twice (first: 1)",
    ),
    "pictures twice": (
        lambda truth: truth["images"].append(truth["images"][0]), "1 of its image ids appear",
    ),
    "strange pictures": (
        lambda truth: truth["annotations"].append({**truth["annotations"][0], "image_id": 5}),
        "1 annotations are for pictures that are not among its images",
    ),
    "strange categories": (
        lambda truth: truth["annotations"].append({**truth["annotations"][0], "category_id": 5}),
        "1 annotations have a category that is not among its categories",
    ),
    "at 0, 0": (
        keypoints(lambda flat: [0, 0, 2] * 3 + flat[9:]), "% of the labelled joints are at 0, 0",
    ),
    "shares of the picture": (
        keypoints(lambda flat: [v if n % 3 == 2 else v / 700 for n, v in enumerate(flat)]),
        "all labels are between 0 and 1",
    ),
    "another order": (
        joints(*SWAPPED), "(number 6 is Right-Shoulder, COCO's left_shoulder): results in COCO's",
    ),
    "other joints": (joints(*COCO.keypoints[:14], "tail", "ear", "mane"), "(tail, ear, mane)"),
    "all are crowds": (people(iscrowd=1), "nobody has to be found"),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD)
def test_each_oddity_is_said(tmp_path: Path, case: str) -> None:
    truth, _ = random_files(2)
    ODD[case][0](truth)
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    notes = read_ground_truth(tmp_path / "truth.json").notes
    assert [line for line in notes if ODD[case][1] in line], notes
    assert len(notes) <= 2


@pytest.mark.parametrize(
    "names", [COCO.keypoints, ("Nose", "Left Eye", *COCO.keypoints[2:]), list("abcdefghijklmnopq")]
)
def test_nothing_odd_is_nothing_said(tmp_path: Path, names: tuple[str, ...]) -> None:
    truth, _ = random_files(2, crowds=0.3, unlabelled=True)
    joints(*names)(truth)
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    assert read_ground_truth(tmp_path / "truth.json").notes == []


def test_sigmas(tmp_path: Path) -> None:
    file = tmp_path / "truth.json"
    truth, _ = random_files(2)
    file.write_text(json.dumps(truth))
    assert read_ground_truth(file).custom_sigmas is None
    assert read_ground_truth(file, "coco").custom_sigmas is None
    assert read_ground_truth(file, "0.05").custom_sigmas == [0.05] * 17
    with pytest.raises(InputError, match="17 numbers over 0, separated by commas; or one for all"):
        read_ground_truth(file, "0.05,0.1")
    truth, _ = random_files(2, joints=16)
    file.write_text(json.dumps(truth))
    with pytest.raises(InputError, match=r"16 joints are not COCO's 17: .* mpii for MPII's"):
        read_ground_truth(file)
    ankle, top = 0.089, 0.026
    assert read_ground_truth(file, "MPII").sigmas[[0, 9]].tolist() == [ankle, top]
