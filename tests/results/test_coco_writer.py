import json
from pathlib import Path

import pytest
from pycocotools import coco

from mpn_cli.base.skeletons import COCO
from mpn_cli.results.coco_writer import write_dataset, write_predictions
from mpn_cli.results.poses import AnnotatedPicture, Pose


@pytest.fixture
def pictures() -> list[AnnotatedPicture]:
    sure = [10.5, 20.25, 0.8] * 17
    mixed = [10.5, 20.25, 0.8] * 15 + [3.0, 4.0, 0.2] + [5.0, 6.0, 0.05]
    return [
        AnnotatedPicture(3, "a b/ü.jpg", 100, 200, []),
        AnnotatedPicture(9, "c.jpg", 50, 60, [
            Pose(sure, 0.9, [1.0, 2.0, 30.0, 40.5]), Pose(mixed, 0.5, [0.0, 0.0, 50.0, 60.0]),
        ]),
    ]  # fmt: skip


def test_pycocotools_takes_both_files(tmp_path: Path, pictures: list[AnnotatedPicture]) -> None:
    write_predictions(tmp_path / "predictions.json", pictures)
    write_dataset(tmp_path / "dataset.json", pictures, pictures, COCO, 0.1, 0, {"description": "x"})
    truth = coco.COCO(str(tmp_path / "dataset.json"))
    found = truth.loadRes(str(tmp_path / "predictions.json"))
    assert truth.getImgIds() == [3, 9]
    assert [truth.anns[i]["score"] for i in truth.getAnnIds(imgIds=9)] == [0.9, 0.5]
    assert found.anns[1]["bbox"] == [1, 2, 30, 40.5]
    assert len(found.anns) == 2


def test_unlikely_poses_stay_out_of_the_data_set(
    tmp_path: Path, pictures: list[AnnotatedPicture]
) -> None:
    def scores(pose_thr: float) -> list[float]:
        file = tmp_path / "dataset.json"
        write_dataset(file, pictures, pictures, COCO, 0.1, pose_thr, {})
        data = json.loads(file.read_text())
        assert [one["id"] for one in data["images"]] == [3, 9]
        assert [one["id"] for one in data["annotations"]] == [
            *range(1, len(data["annotations"]) + 1)
        ]
        return [one["score"] for one in data["annotations"]]

    assert scores(0.5) == [0.9, 0.5]
    assert scores(0.51) == [0.9]
    assert scores(1) == []


def test_visibility_and_category(tmp_path: Path, pictures: list[AnnotatedPicture]) -> None:
    write_dataset(tmp_path / "dataset.json", pictures, pictures, COCO, 0.1, 0, {})
    data = json.loads((tmp_path / "dataset.json").read_text())
    mixed = data["annotations"][1]
    assert mixed["keypoints"][:3] == [10.5, 20.25, 2]
    assert mixed["keypoints"][-6:] == [3, 4, 1, 0, 0, 0]
    assert mixed["num_keypoints"] == 16
    assert mixed["segmentation"] == []  # importers ask for it; there are no outlines
    (person,) = data["categories"]
    assert person["keypoints"][0] == "nose"
    joints = {joint for limb in person["skeleton"] for joint in limb}
    assert (min(joints), max(joints)) == (1, 17)
    assert [16, 14] in person["skeleton"]


def test_one_line_each_and_empty_results(tmp_path: Path, pictures: list[AnnotatedPicture]) -> None:
    file = tmp_path / "predictions.json"
    write_predictions(file, pictures)
    lines = file.read_text().splitlines()
    assert [line[:14] for line in lines] == ["[", '{"image_id":9,', '{"image_id":9,', "]"]
    write_predictions(file, [])
    assert json.loads(file.read_text()) == []


def test_what_importers_ask_of_an_annotation(
    tmp_path: Path, pictures: list[AnnotatedPicture]
) -> None:
    """CVAT's importer (datumaro, coco_person_keypoints) takes all of these or nothing."""
    write_dataset(tmp_path / "dataset.json", pictures, pictures, COCO, 0.1, 0.0, {})
    data = json.loads((tmp_path / "dataset.json").read_text())
    kinds = {"id": int, "image_id": int, "category_id": int, "segmentation": list, "area": float,
             "iscrowd": int, "bbox": list, "keypoints": list, "num_keypoints": int}  # fmt: skip
    for one in data["annotations"]:
        assert {name: type(one[name]) for name in kinds} == kinds
        assert len(one["bbox"]) == 4
        assert len(one["keypoints"]) == 3 * len(data["categories"][0]["keypoints"])
    assert {type(one[name]) for one in data["images"] for name in ("id", "width", "height")} == {
        int
    }
    truth = coco.COCO(str(tmp_path / "dataset.json"))
    assert not truth.getAnnIds(areaRng=[0, 1])
