import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpn_cli.base.errors import InputError
from mpn_cli.base.text import to_json
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


@pytest.fixture
def nobody_s_folder() -> Iterator[Path]:
    """A folder of somebody who may not read everything, as root may; and we are that somebody."""
    folder = Path(tempfile.mkdtemp())
    root = os.geteuid() == 0
    if root:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        for inner in folder.rglob("*"):
            if inner.is_dir():
                inner.chmod(0o700)
        shutil.rmtree(folder)


def test_a_folder_that_may_not_be_read_costs_only_itself(nobody_s_folder: Path) -> None:
    for name in ("a.png", "lost+found/b.png", "listed/c.png", "deep/er/d.png"):
        make_picture(nobody_s_folder / name)
    (nobody_s_folder / "lost+found").chmod(0)
    (nobody_s_folder / "listed").chmod(0o400)  # its names can be read, its files can't
    (nobody_s_folder / "deep/er").chmod(0)
    gathered = gather([str(nobody_s_folder)])
    assert [task.file_name for task in gathered.tasks] == ["a.png"]
    found = {os.path.relpath(s.path, nobody_s_folder): s.reason for s in gathered.skipped}
    assert found == {
        "lost+found": "unreadable", "deep/er": "unreadable", "listed/c.png": "unreadable",
    }  # fmt: skip
    assert all("Permission denied" in skipped.detail for skipped in gathered.skipped)
    # One that the user names is another matter.
    with pytest.raises(InputError, match=r"lost\+found: Permission denied"):
        gather([str(nobody_s_folder / "lost+found")])


def test_names_that_are_not_utf8_are_skipped(tmp_path: Path) -> None:
    make_picture(tmp_path / "a.png")
    shutil.copy(os.fsencode(tmp_path / "a.png"), os.fsencode(tmp_path) + b"/caf\xe9.png")
    os.mkdir(os.fsencode(tmp_path) + b"/\xff")
    shutil.copy(os.fsencode(tmp_path / "a.png"), os.fsencode(tmp_path) + b"/\xff/b.png")
    gathered = gather([str(tmp_path)])
    assert [task.file_name for task in gathered.tasks] == ["a.png"]
    assert sorted((os.path.basename(s.path), s.reason) for s in gathered.skipped) == [
        ("b.png", "name"), ("caf\\xe9.png", "name"),
    ]  # fmt: skip
    # A folder above them does no harm: names are relative to it.
    inner = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    (task,) = gather([inner]).tasks
    assert task.file_name == "b.png"
    assert b"\\\\xff/b.png" in to_json((task, (1, 2)))  # as it stands in the job's hash
    # Nor in a list of paths.
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbfa.png\r\ncaf\xe9.png\n\x00\n")
    listed = gather([str(tmp_path / "list.txt")])
    assert [task.file_name for task in listed.tasks] == ["a.png"]
    assert [skipped.reason for skipped in listed.skipped] == ["missing", "name"]


def test_other_kinds_of_files_are_counted(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.JFIF", "c.jpe", "d.gif", "e.GIF", "f.wmv", "README", ".DS_Store"):
        (tmp_path / name).touch()
    gathered = gather([str(tmp_path)])
    assert [task.file_name for task in gathered.tasks] == ["a.jpg", "b.JFIF", "c.jpe"]
    assert gathered.other_files == {".gif": 2, ".wmv": 1, "no suffix": 2}
    named = gather([str(tmp_path), str(tmp_path / "d.gif")])
    assert named.other_files[".gif"] == 1
    for name in ("a.jpg", "b.JFIF", "c.jpe"):
        (tmp_path / name).unlink()
    with pytest.raises(InputError, match=r"5 other files found: \.gif 2, .*not read; put them"):
        gather([str(tmp_path)])


def test_what_is_named_and_no_file_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        gather([str(tmp_path / "pipe")])
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match="Too many levels"):
        gather([str(tmp_path / "loop")])
    make_picture(tmp_path / "a.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    assert [s.reason for s in gather([str(tmp_path)]).skipped] == ["unreadable"]
