"""A data set and a detection list go in, on the measuring data set."""

import json
from pathlib import Path

import pytest
from pycocotools import coco

from tests.acceptance.conftest import Mpn

pytestmark = pytest.mark.slow


@pytest.mark.xdist_group("coco_dev")
def test_data_set_gives_one_result_for_each_boxed_person(
    coco_dev: Path, annotated_dev: Path
) -> None:
    truth = coco.COCO(str(coco_dev / "person_keypoints.json"))
    found = truth.loadRes(str(annotated_dev / "predictions.json"))
    for picture in truth.getImgIds():
        people = [tuple(round(side, 2) for side in one["bbox"])
                  for one in truth.imgToAnns[picture] if not one["iscrowd"]]  # fmt: skip
        boxes = [tuple(one["bbox"]) for one in found.imgToAnns[picture]]
        assert sorted(boxes) == sorted(people)


def test_detection_list(mpn: Mpn, tmp_path: Path, coco_dev: Path) -> None:
    done = mpn(
        "annotate", coco_dev / "person_detections.json", "--images", coco_dev / "images",
        "--image-info", coco_dev / "person_keypoints.json", "--no-flip", "--limit", "25",
        "-o", "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out/predictions.json").read_text())
    coco.COCO(str(coco_dev / "person_keypoints.json")).loadRes(found)
    assert len({one["image_id"] for one in found}) == 25
    order = [(one["image_id"], -one["score"]) for one in found]
    assert order == sorted(order)
