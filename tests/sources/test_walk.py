import io
import os
from pathlib import Path

import pytest

from mpn_cli.errors import InputError
from mpn_cli.sources.gather import gather
from mpn_cli.sources.walk import number_pictures
from tests.conftest import make_picture


def names(*sources: object) -> list[str]:
    return [task.file_name for task in gather([str(s) for s in sources]).tasks]


def test_folders_are_walked_and_sorted(tmp_path: Path) -> None:
    for name in ("b/x.jpg", "a/x.jpg", "a/über tag.PNG", "z.JPEG", "notes.md"):
        make_picture(tmp_path / name) if name != "notes.md" else (tmp_path / name).touch()
    tasks = gather([str(tmp_path)]).tasks
    assert [t.file_name for t in tasks] == ["a/x.jpg", "a/über tag.PNG", "b/x.jpg", "z.JPEG"]
    assert [t.image_id for t in tasks] == [1, 2, 3, 4]


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    make_picture(tmp_path / "a/x.jpg")
    (tmp_path / "a/loop").symlink_to(tmp_path)
    (tmp_path / "a/y.jpg").symlink_to(tmp_path / "a/x.jpg")
    assert names(tmp_path) == ["a/x.jpg", "a/y.jpg"]


def test_globs_lists_and_files(tmp_path: Path) -> None:
    for name in ("a/1.jpg", "a/2.jpg", "b/3.jpg", "b/c/4.jpg"):
        make_picture(tmp_path / name)
    assert names(f"{tmp_path}/*/?.jpg") == ["a/1.jpg", "a/2.jpg", "b/3.jpg"]
    assert names(f"{tmp_path}/b/**/*.jpg") == ["3.jpg", "c/4.jpg"]
    assert names(f"{tmp_path}/[ab]") == ["a/1.jpg", "a/2.jpg", "b/3.jpg", "b/c/4.jpg"]
    listed = tmp_path / "list.txt"
    listed.write_text(f"b/3.jpg\n\n{tmp_path}/a/1.jpg\n")
    assert names(listed) == ["a/1.jpg", "b/3.jpg"]
    assert names(tmp_path / "a/2.jpg") == ["2.jpg"]


def test_paths_on_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_picture(tmp_path / "a/1.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a/1.jpg\n")))
    assert names("-") == ["a/1.jpg"]


def test_two_folders_with_the_same_names_stay_apart(tmp_path: Path) -> None:
    make_picture(tmp_path / "a/x.jpg")
    make_picture(tmp_path / "b/x.jpg")
    assert names(tmp_path / "a", tmp_path / "b") == ["a/x.jpg", "b/x.jpg"]


def test_a_picture_named_twice_is_taken_once(tmp_path: Path) -> None:
    file = make_picture(tmp_path / "x.jpg")
    assert names(tmp_path, file) == ["x.jpg"]


def test_digits_are_ids_and_the_rest_count_around_them() -> None:
    numbered = number_pictures(["000000000139.jpg", "2.jpg", "a/2.jpg", "b.jpg", "c.jpg", "²3.jpg"])
    assert numbered == [139, 2, 1, 3, 4, 5]


def test_nothing_to_do_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no pictures in .*\(looked for .jpg .*, 0 other files"):
        gather([str(tmp_path)])
    (tmp_path / "notes.md").touch()
    with pytest.raises(InputError, match="1 other files found"):
        gather([str(tmp_path)])
    with pytest.raises(InputError, match="no such file or folder"):
        gather([str(tmp_path / "none")])
    with pytest.raises(InputError, match="nothing matches"):
        gather([str(tmp_path / "*.jpg")])


def test_listed_pictures_that_are_missing_are_skipped(tmp_path: Path) -> None:
    make_picture(tmp_path / "x.jpg")
    (tmp_path / "list.txt").write_text("x.jpg\ngone.jpg\n")
    gathered = gather([str(tmp_path / "list.txt")])
    assert [t.file_name for t in gathered.tasks] == ["x.jpg"]
    assert [(os.path.basename(s.path), s.reason) for s in gathered.skipped] == [
        ("gone.jpg", "missing")
    ]
