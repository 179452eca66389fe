"""A data set and a detection list go in, on the measuring data set."""

import json
from pathlib import Path

import pytest
from pycocotools import coco

from tests.acceptance.conftest import Mpn

pytestmark = pytest.mark.slow


def test_scores_and_boxes_of_a_data_set(mpn: Mpn, tmp_path: Path, coco_dev: Path) -> None:
    """On real people that neither the network nor its score model has seen.

    Each boxed person has one result, and the shipped scores say more about it than eq. 6 does.
    """
    truth = coco_dev / "person_keypoints.json"
    ways: dict[str, tuple[str, ...]] = {
        "eq6": ("--score", "paper", "--joint-confidence", "network"), "own": (),
    }  # fmt: skip
    measured = {}
    for out, options in ways.items():
        done = mpn("annotate", truth, "-o", out, "--precision", "int8", *options)
        assert done.returncode == 0, done.stderr
        done = mpn("eval", f"{out}/predictions.json", "--gt", truth, "--resamples", 0, "--json")
        measured[out] = json.loads(done.stdout)
    assert measured["own"]["AP"] > measured["eq6"]["AP"]
    before, after = (measured[out]["reliability"] for out in ways)
    assert after["correlation"] > before["correlation"]
    for kind, factor in (("joints", 1.5), ("poses", 1.2)):
        assert after[kind]["error"] < before[kind]["error"] / factor

    labels = coco.COCO(str(truth))
    found = labels.loadRes(str(tmp_path / "own/predictions.json"))
    assert len(found.anns) > 300
    for picture in labels.getImgIds():
        people = [tuple(round(side, 2) for side in one["bbox"])
                  for one in labels.imgToAnns[picture] if not one["iscrowd"]]  # fmt: skip
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
