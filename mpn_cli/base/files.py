"""Atomic file writes (the whole file or none of it), and hashes of file contents."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from mpn_cli.base.errors import InputError

UNFINISHED = re.compile(r"\.mpn-[0-9a-f]{32}\.tmp")
"""Matches the names of files being written, which a killed process leaves behind."""


@contextmanager
def unfinished_file(file: Path) -> Iterator[Path]:
    """A temporary path to write ``file`` under, for libraries that take a path.

    The temporary file is new, lies in the folder of ``file`` and has a random name, so that nothing
    is ever written through a link and processes on several machines don't collide. When the block
    ends it is flushed to disk and renamed; on any error it is removed and ``file`` is unchanged.
    Raises OSError where the disk is full or gone.
    """
    unfinished = file.with_name(f".mpn-{uuid4().hex}.tmp")
    unfinished.touch(exist_ok=False)
    try:
        yield unfinished
        move_into_place(unfinished, file)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise


@contextmanager
def new_file(file: Path) -> Iterator[BinaryIO]:
    """An open binary file that replaces ``file`` in the end; see :func:`unfinished_file`."""
    with unfinished_file(file) as unfinished, unfinished.open("wb") as out:
        yield out


def write_file(file: Path, content: bytes) -> None:
    """Write a file atomically; see :func:`unfinished_file`."""
    with new_file(file) as out:
        out.write(content)


def move_into_place(unfinished: Path, file: Path) -> None:
    """Flush a complete file to disk and rename it within its folder. Raises OSError."""
    with unfinished.open("rb+") as content:
        os.fsync(content.fileno())
    unfinished.replace(file)
    with contextlib.suppress(OSError):  # not every system can open or flush a folder
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def remove_unfinished(folder: Path) -> None:
    """Remove the unfinished files that killed processes left in a folder, and nothing else.

    Must be called while no other process writes to the folder. Raises OSError.
    """
    if folder.is_dir():
        for file in folder.iterdir():
            if UNFINISHED.fullmatch(file.name) and not file.is_dir():
                file.unlink()


def file_sha256(file: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal. Raises InputError where it can't be read."""
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
