"""People packed into tar files are the same people."""

import json
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from mpn_cli.base.errors import InputError
from mpn_cli.training.packing import pack, unpack, unpacked
from mpn_cli.training.pose.cache import open_cache
from mpn_cli.training.pose.people import load_people, split_by_picture
from tests.training.test_training_loop import write_data_set


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_data_set(tmp_path / "data")
    return tmp_path / "data"


def test_packed_people_are_the_same_people(data: Path, tmp_path: Path) -> None:
    files = pack([data, data], tmp_path / "packed", 0.06, 400, 95)
    assert len(files) > 1
    assert max(file.stat().st_size for file in files) <= 60_000
    first, second = unpack(files, tmp_path / "there")
    ours, theirs = load_people(data, 17), load_people(first, 17)
    assert len(theirs) == len(load_people(second, 17)) == len(ours)
    assert len(split_by_picture(theirs, 4)[1]) == len(split_by_picture(ours, 4)[1])
    np.testing.assert_array_equal(ours.weights, theirs.weights)
    size = (192, 256)
    mine, other = (open_cache(p, size, tmp_path / "cache") for p in (ours, theirs))
    np.testing.assert_allclose(mine.keypoints, other.keypoints, atol=0.02)
    apart = np.abs(mine.crops.astype(float) - other.crops)
    assert apart.mean() < 6  # WebP


def test_labels_are_coco(data: Path, tmp_path: Path) -> None:
    (folder,) = unpack(pack([data], tmp_path / "packed"), tmp_path / "there")
    content = json.loads((folder / "person_keypoints.json").read_text())
    (person,) = content["categories"]
    assert (person["id"], person["name"], len(person["keypoints"])) == (1, "person", 17)
    for image, one in zip(content["images"], content["annotations"], strict=True):
        assert None not in (*image.values(), *one.values())
        assert one["image_id"] == image["id"]
        width, height = one["bbox"][2:]
        assert one["area"] == pytest.approx(width * height, rel=0.01)
        assert one["num_keypoints"] == sum(v > 0 for v in one["keypoints"][2::3])
        picture = cv2.imread(str(folder / "images" / image["file_name"]))
        assert picture is not None
        assert picture.shape[:2] == (image["height"], image["width"])


def test_what_is_unpacked_is_not_unpacked_again(data: Path, tmp_path: Path) -> None:
    files = pack([data, data], tmp_path / "packed", 0.06, 400, 95)
    folder = tmp_path / "there"
    first = unpack(files, folder)
    marked = first[0] / "person_keypoints.json"
    marked.write_text("as it was left")
    assert unpack(files[::-1], folder) == first
    assert marked.read_text() == "as it was left"
    with pytest.raises(InputError, match=r"there/ is there already, with other content"):
        unpack(files[1:], folder)


def test_tar_files_stand_among_other_data(data: Path, tmp_path: Path) -> None:
    tars = pack([data, data], tmp_path / "packed", 0.06, 400, 95)
    other, last = tmp_path / "other", tmp_path / "last.json"
    folder = tmp_path / "there"
    packed = [folder / "0-data", folder / "1-data"]
    assert unpacked([other, *tars, last], folder) == [other, *packed, last]
    assert unpacked([other, last], tmp_path / "nothing") == [other, last]
    assert not (tmp_path / "nothing").exists()


def test_files_that_are_not_the_whole_of_a_pack(data: Path, tmp_path: Path) -> None:
    files = pack([data], tmp_path / "packed", 0.06, 400, 95)
    assert len(files) > 1
    torn = tmp_path / "torn.tar"
    torn.write_bytes(files[0].read_bytes()[:5000])
    strange = tmp_path / "strange.tar"
    with tarfile.open(strange, "w") as tar:
        tar.add(data, "photos")
    for given, message in (
        (files[:-1], r"the labels of 0-data are in none of the files"),
        ([*files, files[0]], r"crops-000.tar holds 0-data/images/.*, and so does another"),
        ([torn], r"torn.tar: not a whole tar file of mpn pack"),
        ([strange], r"strange.tar: not a tar file of mpn pack: holds photos"),
        ([tmp_path / "no.tar"], r"no.tar: No such file"),
    ):
        with pytest.raises(InputError, match=message):
            unpack(given, tmp_path / "there")
        assert not (tmp_path / "there").exists()
        assert not (tmp_path / ".mpn-unpacking").exists()


def test_an_error_leaves_no_files_but_those_that_were_there(data: Path, tmp_path: Path) -> None:
    (data / "images/9.png").write_bytes(b"no picture")
    out = tmp_path / "packed"
    with pytest.raises(InputError, match=r"9.png: not a picture"):
        pack([data], out, 0.06, 400, 95)
    assert not list(out.iterdir())
    theirs = out / "crops-001.tar"
    theirs.write_text("theirs")
    write_data_set(data)
    with pytest.raises(InputError, match=r"crops-001.tar is there already"):
        pack([data], out, 0.06, 400, 95)
    assert [file.name for file in out.iterdir()] == ["crops-001.tar"]
    assert theirs.read_text() == "theirs"


def test_a_box_beside_its_picture_is_packed(tmp_path: Path) -> None:
    write_data_set(tmp_path / "data", bbox=[500, 20, 80, 120])
    (folder,) = unpack(pack([tmp_path / "data"], tmp_path / "packed"), tmp_path / "there")
    ours, theirs = load_people(tmp_path / "data", 17), load_people(folder, 17)
    assert len(theirs) == len(ours)
    shift = ours.boxes[0, :2] - theirs.boxes[0, :2]
    labelled = ours.weights[0] > 0
    np.testing.assert_allclose(
        theirs.keypoints[0, labelled], ours.keypoints[0, labelled] - shift, atol=0.02
    )
