"""mpn convert: each format is read back as its own tools read it.

A data set with everything that is odd goes through all of them: a joint set of its own, names with
spaces, markup and other alphabets, a video's frame, a picture without people, people without boxes
or joints, joints outside of the picture, crowds, scores and tracks.
"""

import csv
import json
import math
import os
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from mpn_cli.base.choices import Pictures, ResultsFormat, Rows
from mpn_cli.base.errors import InputError
from mpn_cli.results.converting.folders import FILE_LIST
from mpn_cli.results.converting.reading import read_labels
from mpn_cli.results.converting.writers import Converted, check_place, convert
from tests.conftest import make_picture

JOINTS = ["nose", "left hip", "right hip", "tail <&>"]
ODD = "sub folder/naïve \"<&>' 日本.jpg"
FRAME = "clip.mp4#t=1.480"
EMPTY = "images/empty.PNG"
ABSENT = "C:\\photos\\..\\absent.jpg"

BOXED: dict[str, Any] = {
    "image_id": 4, "bbox": [-10, 20, 60, 200], "score": 0.75, "track_id": 12,
    "keypoints": [10.25, 30.5, 2, 20, 100, 1, -4, 100, 2, 0, 0, 0],
}  # fmt: skip
UNBOXED: dict[str, Any] = {
    "image_id": 4, "keypoints": [50, 40, 2, 60, 90, 2, 0, 0, 0, 110, 120, 1],
}  # fmt: skip
UNSEEN: dict[str, Any] = {"image_id": 9, "bbox": [1, 2, 30, 40], "keypoints": [0] * 12}
CROWD: dict[str, Any] = {"image_id": 9, "bbox": [1, 2, 30, 40], "iscrowd": 1, "keypoints": [0] * 12}


def write_odd(folder: Path) -> Path:
    """The data set; two of its pictures are there."""
    make_picture(folder / "images" / ODD)
    make_picture(folder / EMPTY)
    images = [
        {"id": number, "file_name": name, "width": 120, "height": 160}
        for number, name in ((4, ODD), (9, FRAME), (2, EMPTY), (3, ABSENT))
    ]
    images[1]["frame_id"] = 37
    people = [
        {"id": number, "category_id": 7, **one}
        for number, one in enumerate((BOXED, UNBOXED, UNSEEN, CROWD), 1)
    ]
    kind = {"id": 7, "name": "dog & <owner>", "keypoints": JOINTS, "skeleton": [[1, 4], [2, 9]]}
    other = {"id": 8, "name": "ball"}
    ball = {"id": 9, "image_id": 4, "category_id": 8, "bbox": [1, 1, 5, 5]}
    file = folder / "labels.json"
    content = {"images": images, "annotations": [*people, ball], "categories": [kind, other]}
    file.write_text(json.dumps(content))
    return file


def converted(
    data: Path, to: str, out: Path, rows: str = "joint", pictures: str = "link", **read: Any
) -> Converted:
    kind = ResultsFormat(to)
    check_place(kind, out)
    labels = read_labels(data, read.get("images"), read.get("category"), read.get("pose_thr"))
    return convert(labels, kind, out, Rows(rows), Pictures(pictures), lambda done: None)


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    return write_odd(tmp_path / "data")


def test_yolo_as_ultralytics_reads_it(odd: Path, tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    out = tmp_path / "yolo set"
    done = converted(odd, "yolo", out)
    assert (done.pictures, done.people) == (4, 3)
    assert done.left_out == {"pictures that were not found": 2}
    data = yaml.safe_load((out / "data.yaml").read_text(encoding="utf-8"))
    assert data["kpt_shape"] == [4, 3]
    assert data["flip_idx"] == [0, 2, 1, 3]
    assert (data["names"], data["kpt_names"]) == ({0: "dog & <owner>"}, {0: JOINTS})
    pictures = [file for file in (out / data["train"]).rglob("*.*") if file.is_symlink()]
    assert {file.resolve() for file in pictures} == {
        (odd.parent / name).resolve() for name in (f"images/{ODD}", EMPTY)
    }
    # Ultralytics: the last images/ of the path becomes labels/, the ending .txt.
    labels = {
        file.resolve().name: "/labels/".join(str(file).rsplit("/images/", 1)).rsplit(".", 1)[0]
        for file in pictures
    }
    assert Path(labels["empty.PNG"] + ".txt").read_text() == ""
    boxed, unboxed = Path(labels[Path(ODD).name] + ".txt").read_text().splitlines()
    numbers = [float(word) for word in boxed.split()]
    assert 0 <= min(numbers[:5]) <= max(numbers[:5]) <= 1
    # The box -10..50, 20..220 is cut to 0..50, 20..160; what is outside of the picture is unseen.
    assert numbers[:5] == [0, round(25 / 120, 6), 90 / 160, round(50 / 120, 6), 140 / 160]
    assert numbers[5:] == [
        round(10.25 / 120, 6), round(30.5 / 160, 6), 2, round(20 / 120, 6), 0.625, 1,
        *([0] * 6),
    ]  # fmt: skip
    numbers = [float(word) for word in unboxed.split()]  # 50..110, 40..120 are its joints
    assert numbers[:5] == pytest.approx([0, 80 / 120, 80 / 160, 60 / 120, 80 / 160], abs=1e-6)
    frame = (out / "labels" / f"{FRAME}.txt").read_text().split()
    assert frame[5:] == ["0"] * 12
    assert (out / "labels" / "photos" / "absent.txt").read_text() == ""


@pytest.mark.parametrize("rows", ["joint", "person"])
def test_tables_agree_with_each_other_and_the_data(odd: Path, tmp_path: Path, rows: str) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    for to in ("csv", "parquet"):
        done = converted(odd, to, tmp_path / f"table.{to}", rows)
        assert not done.left_out
    with (tmp_path / "table.csv").open(newline="", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    table = parquet.read_table(tmp_path / "table.parquet").to_pylist()
    as_text = [
        {key: "" if value is None else str(value) for key, value in row.items()} for row in table
    ]
    assert as_text == read
    assert {type(row["image_id"]) for row in table} == {int}
    nobody = [row for row in table if row["person"] is None]
    assert [row["file_name"] for row in nobody] == [EMPTY, ABSENT]
    assert set(list(nobody[0].values())[4:]) == {None}
    people = [row for row in table if row["person"] is not None]
    first = people[0]
    assert (first["file_name"], first["track_id"], first["score"]) == (ODD, 12, 0.75)
    assert [first[f"bbox_{key}"] for key in ("x", "y", "width", "height")] == BOXED["bbox"]
    if rows == "joint":
        assert len(people) == 3 * 4
        joints = [(row["x"], row["y"], row["visibility"], row["joint_name"]) for row in people[:4]]
    else:
        assert len(people) == 3
        joints = [(*(first[f"{n}_{key}"] for key in ("x", "y", "visibility")), n) for n in JOINTS]
    assert joints == [
        (10.25, 30.5, 2, "nose"), (20, 100, 1, "left hip"), (-4, 100, 2, "right hip"),
        (None, None, 0, "tail <&>"),
    ]  # fmt: skip


def test_labelme_finds_picture_and_people(odd: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "labelme"
    out.parent.mkdir()
    converted(odd, "labelme", out)
    files = sorted(str(file.relative_to(out)) for file in out.rglob("*.json"))
    assert files == sorted(
        [f"{Path(ODD).with_suffix('')}.json", f"{FRAME}.json", "empty.json", "photos/absent.json"]
    )
    file = out / Path(ODD).with_suffix(".json")
    content = json.loads(file.read_text(encoding="utf-8"))
    assert (file.parent / content["imagePath"]).samefile(odd.parent / "images" / ODD)
    assert (content["imageWidth"], content["imageHeight"], content["imageData"]) == (120, 160, None)
    for shape in content["shapes"]:  # what LabelMe's loader demands
        assert isinstance(shape["label"], str)
        assert all(type(flag) is bool for flag in shape["flags"].values())
        assert len(shape["points"]) == {"point": 1, "rectangle": 2}[shape["shape_type"]]
    found = [
        (s["label"], s["group_id"], s["points"], s["flags"].get("occluded"), s.get("score"))
        for s in content["shapes"]
    ]
    assert found == [
        ("dog & <owner>", 1, [[-10, 20], [50, 220]], None, 0.75),
        ("nose", 1, [[10.25, 30.5]], False, None),
        ("left hip", 1, [[20, 100]], True, None),
        ("right hip", 1, [[-4, 100]], False, None),
        ("nose", 2, [[50, 40]], False, None),
        ("left hip", 2, [[60, 90]], False, None),
        ("tail <&>", 2, [[110, 120]], True, None),
    ]
    assert json.loads((out / "empty.json").read_text())["shapes"] == []


def test_cvat_has_skeletons_with_every_point(odd: Path, tmp_path: Path) -> None:
    out = tmp_path / "cvat.xml"
    done = converted(odd, "cvat", out)
    assert done.left_out == {"people without joints": 1}
    root = ElementTree.parse(out).getroot()
    assert root.findtext("version") == "1.1"
    labels = {one.findtext("name"): one for one in root.iter("label")}
    assert labels["dog & <owner>"].findtext("type") == "skeleton"
    assert {labels[name].findtext("parent") for name in JOINTS} == {"dog & <owner>"}
    drawing = ElementTree.fromstring(f"<svg>{labels['dog & <owner>'].findtext('svg')}</svg>")
    dots = {one.get("data-node-id"): one for one in drawing.iter("circle")}
    assert [one.get("data-label-name") for one in dots.values()] == JOINTS
    line = next(drawing.iter("line"))  # of the two limbs, one leads to a joint that is not there
    for end, node in (("1", "data-node-from"), ("2", "data-node-to")):
        dot = dots[line.get(node)]
        assert (line.get(f"x{end}"), line.get(f"y{end}")) == (dot.get("cx"), dot.get("cy"))
    assert len(list(drawing.iter("line"))) == 1
    images = {one.get("name"): one for one in root.iter("image")}
    assert list(images) == [ODD, FRAME, "empty.PNG", "photos/absent.jpg"]
    assert [one.get("id") for one in images.values()] == ["0", "37", "2", "3"]
    first, second = images[ODD].findall("skeleton")
    assert first.get("label") == "dog & <owner>"
    assert (first.get("source"), second.get("source")) == ("auto", "manual")
    points = [
        (one.get("label"), one.get("points"), one.get("outside"), one.get("occluded"))
        for one in first
    ]
    assert points[:3] == [
        ("nose", "10.25,30.50", "0", "0"),
        ("left hip", "20.00,100.00", "0", "1"),
        ("right hip", "-4.00,100.00", "0", "0"),
    ]
    assert (points[3][0], points[3][2:]) == ("tail <&>", ("1", "0"))
    assert not list(images[FRAME]) + list(images["empty.PNG"])


def test_openpose_points_are_where_body_25_has_them(odd: Path, tmp_path: Path) -> None:
    out = tmp_path / "openpose"
    done = converted(odd, "openpose", out)
    assert done.left_out == {"people without joints": 1}
    file = out / f"{Path(ODD).with_suffix('')}_keypoints.json"
    first, second = json.loads(file.read_text())["people"]
    flat = first["pose_keypoints_2d"]
    assert len(flat) == 75
    places = {n: flat[3 * n : 3 * n + 3] for n in range(25)}
    assert places.pop(0) == [10.25, 30.5, 1]
    assert places.pop(12) == [20, 100, 1]  # left hip
    assert places.pop(9) == [-4, 100, 1]
    assert places.pop(8) == [8, 100, 1]  # the middle of the hips
    assert set(map(tuple, places.values())) == {(0, 0, 0)}
    assert (first["person_id"], second["person_id"]) == ([12], [-1])
    assert second["pose_keypoints_2d"][24:27] == [0, 0, 0]  # one hip alone has no middle
    assert json.loads((out / "empty_keypoints.json").read_text())["people"] == []


@pytest.mark.parametrize("to", list(ResultsFormat))
def test_a_stopped_conversion_leaves_nothing(odd: Path, tmp_path: Path, to: ResultsFormat) -> None:
    place = tmp_path / "results"
    place.mkdir()
    out = place / "out"

    def stop(done: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    for before in ([], ["out"]):
        old = out.read_bytes() if out.is_file() else None
        labels = read_labels(odd, None, None, None)
        with pytest.raises(KeyboardInterrupt):
            convert(labels, to, out, Rows.JOINT, Pictures.LINK, stop)
        assert os.listdir(place) == before
        assert old is None or out.read_bytes() == old
        converted(odd, to, out)  # what was there before is mpn's, and is replaced
        assert os.listdir(place) == ["out"]


@pytest.mark.parametrize("to", ["yolo", "labelme", "openpose"])
def test_a_folder_that_somebody_worked_in_is_left_alone(odd: Path, tmp_path: Path, to: str) -> None:
    out = tmp_path / "out"
    converted(odd, to, out)
    mine = sorted(file for file in out.rglob("*") if file.is_file() and file.name != FILE_LIST)

    def refused(what: str) -> None:
        with pytest.raises(
            InputError, match=rf"holds {re.escape(what)}, which mpn convert did not write"
        ):
            converted(odd, to, out)

    before = mine[0].read_bytes()
    mine[0].write_bytes(before + b" ")
    refused(mine[0].relative_to(out).as_posix())
    mine[0].write_bytes(before)
    (out / "notes.txt").symlink_to(mine[0])
    refused("notes.txt")
    assert (out / "notes.txt").is_symlink()
    (out / "notes.txt").unlink()
    (out / FILE_LIST).unlink()
    with pytest.raises(InputError, match="which mpn convert did not write"):
        converted(odd, to, out)


@pytest.mark.parametrize(
    ("to", "content"), [("csv", "a,b\n1,2\n"), ("cvat", "<annotations/>"), ("parquet", "PAR1")]
)
def test_a_file_of_somebodys_is_left_alone(
    odd: Path, tmp_path: Path, to: str, content: str
) -> None:
    (tmp_path / "mine").write_text(content)
    with pytest.raises(InputError, match="is there already, and mpn did not write it"):
        converted(odd, to, tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == content


def test_what_a_format_cant_hold_is_said_before_anything_is_written(tmp_path: Path) -> None:
    data = json.loads(write_odd(tmp_path / "data").read_text())
    file = tmp_path / "changed.json"

    def refused(to: str, message: str, **options: Any) -> None:
        file.write_text(json.dumps(data))
        with pytest.raises(InputError, match=message):
            converted(file, to, tmp_path / "out", **options)
        assert not (tmp_path / "out").exists()
        assert not list(tmp_path.glob(".mpn*"))

    data["images"].append(
        {"id": 5, "file_name": ODD.replace(".jpg", ".png"), "width": 1, "height": 1}
    )
    refused("labelme", "tells pictures apart by their names without the ending")
    del data["images"][-1]["width"]
    refused("cvat", "has no width and height in the data set; CVAT needs them")
    data["images"].pop()
    data["categories"][1]["keypoints"] = ["seam"]
    refused("yolo", "holds one joint set, and there are dog & <owner>, ball; give --category")
    refused("openpose", "ball has none of them", category="BALL")
    refused("csv", "no category is called cat; there are: 7 dog", category="cat")
    data["annotations"][0]["keypoints"].append(3)
    refused("csv", r"annotation 1 has 4\.33333 joints, its category dog & <owner> has 4")
    data["annotations"][0]["image_id"] = 77
    refused("csv", "annotation 1: image id 77 is not among its images")


def test_texts_as_ids_scores_and_confidences(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    people = [
        {"image_id": "a", "category_id": "1", "score": score, "keypoints": [1, 2, 2],
         "keypoint_confidences": [0.5]}
        for score in (0.2, 0.6)
    ]  # fmt: skip
    content = {"images": [{"id": "a", "file_name": "a.jpg"}], "annotations": people}
    (tmp_path / "data.json").write_text(json.dumps(content))
    converted(tmp_path / "data.json", "parquet", tmp_path / "t", pose_thr=0.5)
    (row,) = parquet.read_table(tmp_path / "t").to_pylist()
    assert (row["image_id"], row["score"], row["confidence"]) == ("a", 0.6, 0.5)
    assert (row["joint_name"], row["width"], row["bbox_x"]) == ("joint_1", None, None)
    assert math.isclose(row["x"], 1)
