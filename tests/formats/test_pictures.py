"""Names in label files, and the pictures that they mean."""

import unicodedata
from pathlib import Path

import pytest

from mpn_cli.formats.pictures import PictureFinder, PictureNames


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "set/images/a.jpg", "set/images/sub/b.jpg", "set/images/my photo.jpg",
        "set/images/50%25.jpg", "set/images/50%.jpg", "set/images/Ü.JPG", "set/c.jpg",
        "set/images/x y/d.jpg", "secret.jpg", "set/images/twin.jpg", "set/images/TWIN.jpg",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "set/annotations").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.jpg", "images/a.jpg"),
        ("./a.jpg", "images/a.jpg"),
        ("images/a.jpg", "images/a.jpg"),
        ("Images\\a.jpg", "images/a.jpg"),
        ("sub\\b.jpg", "images/sub/b.jpg"),
        (".\\sub\\b.jpg", "images/sub/b.jpg"),
        ("my%20photo.jpg", "images/my photo.jpg"),
        ("images/x%20y/d.jpg", "images/x y/d.jpg"),
        ("x%20y\\d.jpg", "images/x y/d.jpg"),
        ("sub%2Fb.jpg", "images/sub/b.jpg"),
        ("50%25.jpg", "images/50%25.jpg"),  # as it is written comes first
        ("A.JPG", "images/a.jpg"),
        ("SUB/B.jpg", None),  # only the file's own name is taken in any case
        (unicodedata.normalize("NFD", "ü.jpg"), "images/Ü.JPG"),
        ("c.jpg", "c.jpg"),
        ("C:\\data\\pics\\a.jpg", "images/a.jpg"),
        ("/home/somebody/a.jpg", "images/a.jpg"),
        ("Twin.jpg", None),  # two would fit
        ("../secret.jpg", None),
        ("..\\secret.jpg", None),
        ("%2e%2e/secret.jpg", None),
        ("images/../../secret.jpg", None),
        ("none.jpg", None),
        ("sub", None),
    ],
)
@pytest.mark.parametrize("labels", ["set/labels.json", "set/annotations/labels.json"])
def test_where_a_picture_is(folder: Path, labels: str, name: str, found: str | None) -> None:
    place = PictureFinder.beside(str(folder / labels)).find(name)
    assert (place and place[0]) == (found and str(folder / "set" / found))
    assert place is None or place[0].endswith("/" + place[1])


NAMES = {
    1: "cam1/0001.jpg", 2: "cam2/0001.jpg", 3: "images/1a2b3c4d-dog.jpg", 4: "",
    5: "photo_jpg.rf.0a1b2c.jpg", 6: "plain.png", 7: "v1.2.jpg",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("cam1/0001.jpg", [1]),
        ("CAM2\\0001.JPG", [2]),
        ("all/cam2/0001.jpg", [2]),
        ("0001.jpg", [1, 2]),
        ("cam3/0001.jpg", []),
        ("dog.jpg", [3]),
        ("photo.jpg", [5]),
        ("photo", [5]),
        ("plain.jpg", [6]),
        ("plain", [6]),
        ("v1.2", [7]),
        ("", []),
        ("other.jpg", []),
    ],
)
def test_pictures_by_name(name: str, ids: list[int]) -> None:
    assert PictureNames(NAMES).find(name) == ids
