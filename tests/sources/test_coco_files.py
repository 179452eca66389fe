import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from mpn_cli.base.errors import InputError
from mpn_cli.formats.files import read_json
from mpn_cli.sources.coco_files import gather_coco
from mpn_cli.sources.gather import gather
from mpn_cli.sources.reading import read_picture, read_reduced
from mpn_cli.sources.tasks import Box, Gathered
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
        (
            [{"image_id": 7, "category_id": 2, "bbox": [1, 2, 3, 4]}],
            r"none of its annotations has category 1 .there are: 2",
        ),
        ([{"image_id": 7}], "none of its people has a bbox"),
    ],
)
def test_bad_files_are_said_in_one_line(pictures: Path, content: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        gather([write(pictures, content)])
    assert "\n" not in str(caught.value)


def test_two_images_with_one_id(pictures: Path) -> None:
    images = [{"id": 7, "file_name": "7.jpg"}, {"id": 7, "file_name": "sub/cat.jpg"}]
    with pytest.raises(InputError, match="image id 7 is there twice"):
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


@pytest.mark.parametrize("score", [1e308, -1e300, 1e7])
def test_a_score_that_is_none_is_said_with_its_place(pictures: Path, score: float) -> None:
    file = write(pictures, [{"image_id": 7, "bbox": [1, 2, 30, 40], "score": score}])
    with pytest.raises(InputError, match=r"boxes\.json: detection 0: score is"):
        gather([file])


@pytest.mark.parametrize("start", ['{"images": [{"id": 1, "file_name": "x", "y": ', '[{"x": '])
def test_nesting_without_end_is_an_error_in_the_file(pictures: Path, start: str) -> None:
    file = write(pictures, start + "[" * 100_000 + "]" * 100_000 + "}]}")
    with pytest.raises(InputError, match="nested too deeply"):
        gather([file])
    with pytest.raises(InputError, match="nested too deeply"):
        read_json(Path(file), Any, "a list")


def boxes_of(gathered: Gathered) -> dict[str, int]:
    return {task.file_name: len(task.boxes or ()) for task in gathered.tasks}


def test_people_are_those_whose_category_is_called_person(pictures: Path) -> None:
    categories = [{"id": 18, "name": "PERSON"}, {"id": 1, "name": "car"}]
    file = write(pictures, data_set(categories=categories))
    assert boxes_of(gather([file])) == {"7.jpg": 0, "sub/cat.jpg": 1}
    assert boxes_of(gather([file], person_category="Car")) == {"7.jpg": 1, "sub/cat.jpg": 0}
    assert boxes_of(gather([file], person_category="1")) == {"7.jpg": 1, "sub/cat.jpg": 0}
    categories[0]["name"] = "human"
    with pytest.raises(InputError, match=r"called person; there are: 18 human, 1 car. --person"):
        gather([write(pictures, data_set(categories=categories))])


def test_a_list_that_counts_categories_from_0_is_not_cocos(pictures: Path) -> None:
    found = [{"image_id": 7, "category_id": c, "bbox": [1, 2, 3, 4]} for c in (0, 0, 1)]
    file = write(pictures, found)
    with pytest.raises(InputError, match="has category 0, so that its numbers are not COCO's"):
        gather([file])
    assert boxes_of(gather([file], person_category="0")) == {"7.jpg": 2}
    info = write(pictures, data_set(categories=[{"id": 0, "name": "Person"}]), "info.json")
    assert boxes_of(gather([file], image_info=info)) == {"7.jpg": 2}


def test_forms_that_tools_write(pictures: Path) -> None:
    images = [{"id": "7", "file_name": "images\\7.jpg"}, {"id": 3.0, "file_name": "SUB%2Fcat.jpg"}]
    annotations = [
        {"id": None, "image_id": 7, "category_id": "1", "bbox": [1, 2, 3, "4"], "iscrowd": False},
        {"image_id": "7", "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": True},
        {"image_id": 3, "category_id": 1, "bbox": []},
        {"image_id": 3, "category_id": 1, "bbox": None, "keypoints": None},
    ]
    (pictures / "images/SUB").mkdir()
    (pictures / "images/sub/cat.jpg").rename(pictures / "images/SUB/Cat.jpg")
    content = data_set(images=images, annotations=annotations)
    file = pictures / "bom.json"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(content).encode())
    gathered = gather([str(file)])
    assert boxes_of(gathered) == {"7.jpg": 1, "SUB/Cat.jpg": 0}
    assert gathered.left_out == {"crowd": 1, "no box": 2}


def test_detections_with_names_in_place_of_ids(pictures: Path) -> None:
    found = write(pictures, [{"image_id": "cat", "category_id": 1, "bbox": [1, 2, 3, 4]}])
    assert boxes_of(gather([found])) == {"sub/cat.jpg": 1}


def test_lists_with_a_byte_order_mark(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = "\ufeffimages/7.jpg\nimages/sub/cat.jpg\n"
    for content in (names.encode(), names.removeprefix("\ufeff").encode("utf-16")):
        (tmp_path / "list.txt").write_bytes(content)
        listed = gather([str(tmp_path / "list.txt")])
        assert [task.file_name for task in listed.tasks] == ["images/sub/cat.jpg", "images/7.jpg"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(names.encode())))
    assert len(gather(["-"]).tasks) == 2
    torn = b"\xff\xfea"  # UTF-16 by its mark, and half a character
    (tmp_path / "list.txt").write_bytes(torn)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(torn)))
    for source in (str(tmp_path / "list.txt"), "-"):
        with pytest.raises(InputError, match="not a readable list of paths"):
            gather([source])


@pytest.mark.parametrize(
    ("labelled", "read"),
    [
        ((160, 120), (160, 120)),
        ((120, 160), (120, 160)),
        ((99, 99), (160, 120)),
        (None, (160, 120)),
    ],
)
def test_the_labels_sizes_say_how_a_picture_is_turned(
    tmp_path: Path, labelled: tuple[int, int] | None, read: tuple[int, int]
) -> None:
    """120x160 as it is stored, 160x120 as it is seen."""
    rows, columns = np.mgrid[:160, :120]
    stored = np.stack([rows, columns, rows * 0 + 90], axis=2).astype(np.uint8)
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    PIL.Image.fromarray(stored).save(tmp_path / "a.jpg", exif=exif, quality=100, subsampling=0)
    size = None if labelled is None else (float(labelled[0]), float(labelled[1]))
    picture = read_picture(str(tmp_path / "a.jpg"), size)
    assert picture.shape[1::-1] == read
    expected = stored if read == (120, 160) else np.rot90(stored, -1)
    assert np.abs(picture.astype(int) - expected).max() < 8
    reduced = read_reduced(str(tmp_path / "a.jpg"), lambda width, height: 2, size)
    assert (reduced.width, reduced.height, reduced.reduction) == (*read, 2)
    assert np.abs(reduced.pixels.astype(int) - expected[::2, ::2]).max() < 8
