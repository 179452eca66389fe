"""Folders of files that are written whole or not at all, and never over somebody's work.

A folder is filled under a temporary name beside its place and renamed in the end. It holds a list
of its files with their checksums (``.mpn-files``): a later run replaces
the folder only if everything in it is still as it was written.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from mpn_cli.base.errors import InputError

FILE_LIST = ".mpn-files"
_HASH_DIGITS = 64
_LINK = "link"


class NewFolder:
    """A folder that is being filled. Relative paths are "/"-separated."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._taken: dict[str, str] = {}
        self._list = (path / FILE_LIST).open("w", encoding="utf-8")

    def close(self) -> None:
        """Complete the list of files."""
        self._list.close()

    def add(self, place: str, content: bytes, whose: str = "") -> None:
        """Write a file; ``whose``: the picture that it belongs to.

        Raises InputError where another picture's file has that place.
        """
        self._new(place, whose).write_bytes(content)
        self._note(hashlib.sha256(content).hexdigest(), place)

    def link(self, place: str, target: str) -> None:
        """Make a symbolic link to a file."""
        self._new(place, target).symlink_to(target)
        self._note(_link_mark(target), place)

    def copy(self, place: str, source: str) -> None:
        """Copy a file."""
        with self._new(place, source).open("wb") as out, open(source, "rb") as content:
            shutil.copyfileobj(content, out)
        self._note(_sha256(self.path / place), place)

    def _new(self, place: str, whose: str) -> Path:
        other = self._taken.setdefault(place, whose)
        file = self.path / place
        if os.path.lexists(file):
            raise InputError(
                f"{other} and {whose} would both be {place}: this format tells pictures apart by"
                " their names without the ending; rename one"
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        return file

    def _note(self, digest: str, place: str) -> None:
        self._list.write(f"{digest}  {_escaped(place)}\n")


@contextmanager
def whole_folder(out: Path) -> Iterator[NewFolder]:
    """A new folder that takes its place when the block ends; on any error it is removed.

    Call :func:`check_folder` before. Raises OSError where the disk is full or gone.
    """
    out = Path(os.path.abspath(out))
    unfinished = out.with_name(f".mpn-{uuid4().hex}.tmp")
    unfinished.mkdir()
    try:
        with contextlib.closing(NewFolder(unfinished)) as folder:
            yield folder
        if not out.exists():
            unfinished.rename(out)
            return
        check_folder(out, "-o")  # again: what was put there meanwhile is nobody's to delete
        old = out.with_name(f".mpn-{uuid4().hex}.tmp")
        out.rename(old)
        unfinished.rename(out)
        shutil.rmtree(old)
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(unfinished, ignore_errors=True)


def check_folder(out: Path, option: str) -> None:
    """Raise InputError if a folder can't be written, or holds what mpn did not write."""
    if not os.path.lexists(out):
        parent = Path(os.path.abspath(out)).parent
        if not parent.is_dir():
            raise InputError(f"{option} {out}: there is no folder {parent}/")
        if not os.access(parent, os.W_OK):
            raise InputError(f"{option} {out}: no right to write there")
        return
    if out.is_symlink() or not out.is_dir():
        raise InputError(f"{option} {out} is there already and is no folder; name a new one")
    foreign = _foreign(out)
    if foreign is not None:
        raise InputError(
            f"{option} {out} holds {foreign}, which mpn convert did not write, or which was changed"
            " since; give another folder"
        )


def _foreign(out: Path) -> str | None:
    """A file of a folder that mpn did not write, or that was changed since; None if there is none.

    Links are looked at, not followed.
    """
    written: dict[str, str] = {}
    with contextlib.suppress(FileNotFoundError, UnicodeDecodeError):
        for line in (out / FILE_LIST).read_text(encoding="utf-8").splitlines():
            written[_unescaped(line[_HASH_DIGITS + 2 :])] = line[:_HASH_DIGITS]
    for folder, inner, names in os.walk(out):
        # Links to folders are listed with the folders.
        for name in [*names, *(one for one in inner if os.path.islink(os.path.join(folder, one)))]:
            place = os.path.relpath(os.path.join(folder, name), out).replace(os.sep, "/")
            if place != FILE_LIST and _mark_of(out / place) != written.get(place):
                return place
    return None


def _mark_of(file: Path) -> str:
    return _link_mark(os.readlink(file)) if file.is_symlink() else _sha256(file)


def _link_mark(target: str) -> str:
    """What stands in the list for a link: a hash of where it leads."""
    return hashlib.sha256(f"{_LINK} {target}".encode(errors="surrogateescape")).hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _escaped(place: str) -> str:
    """A path on one line; ``str.splitlines`` knows more ends of lines than one."""
    return place.encode("unicode_escape").decode()


def _unescaped(text: str) -> str:
    return text.encode().decode("unicode_escape")
