import json
from pathlib import Path
from typing import Any

import pytest

from mpn_cli.errors import InputError
from mpn_cli.sources.coco_files import gather_coco
from mpn_cli.sources.gather import gather
from mpn_cli.sources.tasks import Box
from tests.conftest import make_picture


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name in ("7.jpg", "sub/cat.jpg"):
        make_picture(tmp_path / "images" / name)
    return tmp_path


def data_set(**changes: Any) -> dict[str, Any]:
    return {
        "images": [
            {"id": 7, "file_name": "7.jpg", "width": 120, "height": 160},
            {"id": 3, "file_name": "sub/cat.jpg", "width": 120, "height": 160},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 1, "bbox": [1, 2, 30, 40], "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 1, "bbox": [5, 5, 99, 99], "iscrowd": 1},
            {"id": 3, "image_id": 3, "category_id": 18, "bbox": [5, 5, 9, 9], "iscrowd": 0},
        ],
        "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}],
        **changes,
    }


def write(folder: Path, value: Any, name: str = "boxes.json") -> str:
    (folder / name).write_text(value if isinstance(value, str) else json.dumps(value))
    return str(folder / name)


def test_data_set(pictures: Path) -> None:
    gathered = gather([write(pictures, data_set())])
    assert [(t.image_id, t.file_name, t.boxes) for t in gathered.tasks] == [
        (3, "sub/cat.jpg", ()),
        (7, "7.jpg", (Box(1, 2, 30, 40, 1.0),)),
    ]
    assert all(task.labelled for task in gathered.tasks)
    assert gathered.left_out == {"crowd": 1, "other category": 1}


def test_image_list_without_labels_leaves_boxes_to_the_detector(pictures: Path) -> None:
    gathered = gather([write(pictures, data_set(annotations=[]))])
    assert [task.boxes for task in gathered.tasks] == [None, None]


def test_detection_list_with_image_info(pictures: Path) -> None:
    found = [
        {"image_id": 3, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5},
        {"image_id": 3, "category_id": 1, "bbox": [1, 2, 3, 5]},
        {"image_id": 3, "category_id": 2, "bbox": [1, 2, 3, 5]},
        {"image_id": 3, "category_id": 1, "bbox": [1, 2, 0, 5]},
        {"image_id": 99, "category_id": 1, "bbox": [1, 2, 3, 5]},
    ]
    info = write(pictures, data_set(), "info.json")
    gathered = gather_coco(write(pictures, found), str(pictures / "images"), info)
    assert [(t.image_id, t.boxes, t.labelled) for t in gathered.tasks] == [
        (3, (Box(1, 2, 3, 4, 0.5), Box(1, 2, 3, 5, 1.0)), False)
    ]
    assert gathered.left_out == {"other category": 1, "zero size": 1}
    assert [(s.path, s.reason) for s in gathered.skipped] == [("image id 99", "unknown id")]


def test_detection_list_by_numbers_in_names(pictures: Path) -> None:
    found = write(pictures, [{"image_id": 7, "bbox": [1, 2, 3, 4]}])
    assert [task.file_name for task in gather([found]).tasks] == ["7.jpg"]


def test_boxes_for_a_folder(pictures: Path) -> None:
    found = write(pictures, [{"image_id": 7, "bbox": [1, 2, 3, 4]}])
    gathered = gather([str(pictures / "images")], boxes=found)
    assert [task.file_name for task in gathered.tasks] == ["7.jpg"]


def annotation(**changes: Any) -> dict[str, Any]:
    one = {"id": 17, "image_id": 7, "category_id": 1, "bbox": [1, 2, 30, 40], "iscrowd": 0}
    return data_set(annotations=[{**one, **changes}])


def image(**changes: Any) -> dict[str, Any]:
    return data_set(images=[{"id": 7, "file_name": "7.jpg", **changes}], annotations=[])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{ nothing", "not a COCO data set: JSON is malformed"),
        ("", "not a COCO data set: Input data was truncated"),
        ('[{"image_id": 7, "bbox": [1, 2, NaN, 4]}]', "holds NaN or Infinity"),
        ('{"annotations": []}', "missing required field `images`"),
        (data_set(images=[]), "images list is empty"),
        (annotation(bbox=[1, 2, -4.0, 5]), r"annotation 17: bbox width is -4.0; boxes are \[x"),
        (annotation(bbox=[1e9, 2, 4, 5]), "annotation 17: bbox x is 1000000000.0; boxes are"),
        (annotation(bbox=[1, 2, 3]), "annotation 17: bbox has 3 numbers, not 4"),
        (
            annotation(image_id=[7]),
            r"Expected `int \| str`, got `array` - at `\$.annotations\[0\].image_id`",
        ),
        (annotation(image_id=8), "annotation 17: image id 8 is not among its images"),
        (image(id=None), r"Expected `int \| str`, got `null` - at `\$.images\[0\].id`"),
        (image(file_name="../7.jpg"), r"file name ../7.jpg leads out of"),
        (image(file_name="/etc/passwd"), r"file name /etc/passwd leads out of"),
        (image(file_name=None), "image id 7 has no file_name"),
        (image(file_name="gone.jpg"), r"none of the 1 pictures is there"),
        ([], "holds no detections"),
        ([{"image_id": 99, "bbox": [1, 2, 3, 4]}], "none of its 1 image ids is in"),
        ([{"image_id": 7, "category_id": 2, "bbox": [1, 2, 3, 4]}], r"none of its annotations has category 1 .there are: 2"),
        ([{"image_id": 7}], "none of its people has a bbox"),
    ],
)
def test_bad_files_are_said_in_one_line(pictures: Path, content: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        gather([write(pictures, content)])
    assert "\n" not in str(caught.value)


def test_two_images_with_one_id(pictures: Path) -> None:
    images = [{"id": 7, "file_name": "7.jpg"}, {"id": 7, "file_name": "sub/cat.jpg"}]
    with pytest.raises(InputError, match="image id 7 stands there twice"):
        gather([write(pictures, data_set(images=images))])


def test_options_that_do_not_fit(pictures: Path) -> None:
    file = write(pictures, data_set())
    with pytest.raises(InputError, match=r"--images .*: no such folder"):
        gather([file], images=str(pictures / "none"))
    with pytest.raises(InputError, match="go with a COCO file"):
        gather([str(pictures)], image_info=file)
    with pytest.raises(InputError, match="a source of its own"):
        gather([file, str(pictures)])
    with pytest.raises(InputError, match="--boxes goes with one picture folder"):
        gather([file], boxes=file)
