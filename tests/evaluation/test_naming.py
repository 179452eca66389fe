"""Which picture of a ground truth a result belongs to."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mpn_cli.base.errors import InputError
from mpn_cli.evaluation.ground_truth import read_ground_truth
from mpn_cli.evaluation.results import Results, read_results
from mpn_cli.nms_bench.candidates import load_candidates

NAMES = ("1.jpg", "10.jpg", "2.jpg", "sub/3.jpg")


def pose(picture: Any, **more: Any) -> dict[str, Any]:
    return {"image_id": picture, "category_id": 1, "keypoints": [5, 6, 1] * 17, "score": 0.5,
            "bbox": [0, 0, 9, 9], **more}  # fmt: skip


def truth_with(folder: Path, names: Mapping[Any, str | None], size: int = 50) -> Path:
    file = folder / "labels" / "truth.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({
        "images": [
            {"id": i, "file_name": n, "width": size, "height": 60} for i, n in names.items()
        ],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [
            {"id": n, "image_id": i, "category_id": 1, "keypoints": [5, 6, 2] * 17, "area": 99}
            for n, i in enumerate(names, 1)
        ],
    }))  # fmt: skip
    return file


def results_with(folder: Path, names: dict[int, str] | None, poses: list[dict[str, Any]]) -> Path:
    """predictions.json, with dataset.json beside it."""
    if names is not None:
        images = [{"id": i, "file_name": n, "width": 50, "height": 60} for i, n in names.items()]
        (folder / "dataset.json").write_text(json.dumps({"images": images, "annotations": []}))
    (folder / "predictions.json").write_text(json.dumps(poses))
    return folder / "predictions.json"


def read(results: Path, truth: Path) -> Results:
    return read_results(results, read_ground_truth(truth))


MINE = dict(enumerate(NAMES, 1))


@pytest.mark.parametrize(
    ("theirs", "numbers"),
    [
        (MINE, {1: 1, 2: 2, 3: 3, 4: 4}),
        ({1: "1.jpg", 2: "2.jpg", 3: "sub/3.jpg", 4: "10.jpg"}, {1: 1, 2: 4, 3: 2, 4: 3}),
        ({0: "1.jpg", 1: "2.jpg", 2: "10.jpg", 3: "3.jpg"}, {1: 0, 2: 2, 3: 1, 4: 3}),
        ({7: "images/0a1b2c3d-2.jpg", 8: "images/4a5b6c7d-1.jpg"}, {1: 8, 2: -1, 3: 7, 4: -2}),
        ({2: "1_jpg.rf.00ff.jpg", 1: "10_jpg.rf.00fe.jpg"}, {1: 2, 2: 1, 3: -1, 4: -2}),
        ({4: "photos\\SUB\\3.JPG", 3: "photos\\1.JPG"}, {1: 3, 2: -1, 3: -2, 4: 4}),
    ],
)
def test_renumbered_pictures_are_matched_by_name(
    tmp_path: Path, theirs: dict[Any, str | None], numbers: dict[int, int]
) -> None:
    poses = [pose(one) for one in MINE]
    found = read(results_with(tmp_path, MINE, poses), truth_with(tmp_path, theirs))
    assert dict(found.numbers) == numbers
    assert found.pictures.tolist() == list(numbers.values())
    assert bool(found.notes) == (theirs != MINE and any(i in theirs for i in MINE))
    assert all("matched by file name" in note for note in found.notes)
    # Poses for the NMS bench belong to the same pictures.
    candidates = load_candidates(
        tmp_path / "predictions.json", read_ground_truth(found_truth(tmp_path))
    )
    assert sorted(candidates.picture_ids.tolist()) == sorted(numbers.values())


def found_truth(folder: Path) -> Path:
    return folder / "labels" / "truth.json"


def test_equal_ids_without_names_stay(tmp_path: Path) -> None:
    poses = [pose(one) for one in MINE]
    found = read(results_with(tmp_path, None, poses), truth_with(tmp_path, {2: "x.jpg", 3: None}))
    assert found.pictures.tolist() == [-1, 2, 3, -2]
    assert found.notes == []
    other = {i: f"other {i}.jpg" for i in MINE}
    found = read(results_with(tmp_path, MINE, poses), truth_with(tmp_path, other))
    assert found.pictures.tolist() == [1, 2, 3, 4]
    (note,) = found.notes
    assert "4 pictures have another name under their id" in note
    assert "matched by id and may be others" in note


def test_somebody_elses_data_set_beside_them_is_not_believed(tmp_path: Path) -> None:
    results = results_with(tmp_path, {1: "2.jpg"}, [pose(1), pose(2)])  # knows no picture 2
    assert read(results, truth_with(tmp_path, {1: "1.jpg", 2: "2.jpg"})).pictures.tolist() == [1, 2]
    (tmp_path / "dataset.json").write_text("[]")
    assert read(results, truth_with(tmp_path, {1: "1.jpg", 2: "2.jpg"})).pictures.tolist() == [1, 2]


def test_ultralytics_names_its_pictures(tmp_path: Path) -> None:
    truth = truth_with(tmp_path, {1: "kitchen_01.jpg", 2: "a/v1.2.jpg", 30: "30.jpg"})
    poses = [pose("kitchen_01"), pose("v1.2"), pose("30"), pose("garden"),
             pose(9, file_name="kitchen_01.jpg")]  # fmt: skip
    found = read(results_with(tmp_path, None, poses), truth)
    assert found.pictures.tolist() == [1, 2, 30, -1, 1]
    assert found.found().strangers == {-1: "garden"}
    with pytest.raises(InputError, match=r"none of its pictures is in .* \(first: image id garden"):
        read(results_with(tmp_path, None, [pose("garden")]), truth)


def test_other_sizes_are_said(tmp_path: Path) -> None:
    results = results_with(tmp_path, {1: "1.jpg"}, [pose(1)])
    (note,) = read(results, truth_with(tmp_path, {1: "1.jpg"}, 70)).notes
    assert (
        "1 pictures are of another size in the ground truth (first: 1.jpg is 50x60, there 70x"
        in note
    )
