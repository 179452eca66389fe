"""Files are there whole or not at all, whatever happens to who writes them."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mpn_cli.base.errors import InputError
from mpn_cli.base.files import (
    UNFINISHED,
    file_sha256,
    new_file,
    remove_unfinished,
    unfinished_file,
    write_file,
)

WRITER = """
import sys, time
from pathlib import Path
from mpn_cli.base.files import new_file
with new_file(Path(sys.argv[1])) as out:
    out.write(b"half of it")
    out.flush()
    print("written", flush=True)
    time.sleep(60)
"""


def kill_between_write_and_rename(file: Path) -> Path:
    """The temporary file that a killed writer leaves."""
    before = set(file.parent.iterdir())
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "written\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    [left] = set(file.parent.iterdir()) - before
    return left


def test_a_killed_writer_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_bytes(b"earlier")
    left = kill_between_write_and_rename(file)
    assert file.read_bytes() == b"earlier"
    assert left.read_bytes() == b"half of it"
    strangers = [".mpn-1.tmp", f"{left.name}.txt", f"x{left.name}", ".mpn-lock", "notes.tmp"]
    for name in strangers:
        (tmp_path / name).write_text("mine")
    remove_unfinished(tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([*strangers, file.name])


def test_the_new_content_takes_the_old_one_s_place(tmp_path: Path) -> None:
    file = tmp_path / ("long" * 63)  # a name that leaves no room for a longer one beside it
    for content in (b"one", b"two"):
        write_file(file, content)
        assert file.read_bytes() == content
    assert os.listdir(tmp_path) == [file.name]
    umask = os.umask(0)
    os.umask(umask)
    assert file.stat().st_mode & 0o777 == 0o666 & ~umask


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt(), ValueError("a bug")])
def test_any_error_leaves_nothing_new(tmp_path: Path, error: BaseException) -> None:
    file = tmp_path / "result.json"
    file.write_bytes(b"earlier")
    with pytest.raises(type(error)), new_file(file):
        raise error
    assert os.listdir(tmp_path) == [file.name]
    assert file.read_bytes() == b"earlier"


def test_a_link_is_replaced_and_what_it_points_to_stays(tmp_path: Path) -> None:
    target, link = tmp_path / "thesis.txt", tmp_path / "result.json"
    target.write_bytes(b"mine")
    link.symlink_to(target)
    write_file(link, b"new")
    assert (target.read_bytes(), link.read_bytes(), link.is_symlink()) == (b"mine", b"new", False)


def test_for_libraries_that_take_a_path(tmp_path: Path) -> None:
    with unfinished_file(tmp_path / "result.json") as path:
        assert path.parent == tmp_path
        assert UNFINISHED.fullmatch(path.name)
        path.write_bytes(b"whole")
        assert not (tmp_path / "result.json").exists()
    assert (tmp_path / "result.json").read_bytes() == b"whole"


def test_hash(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"x" * 300_000)
    assert file_sha256(file) == hashlib.sha256(b"x" * 300_000).hexdigest()
    with pytest.raises(InputError, match="No such file"):
        file_sha256(tmp_path / "b")
