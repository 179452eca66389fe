"""A lock that allows one run per folder at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from mpn_cli.base.errors import InputError
from mpn_cli.engine.ownership import LOCK_FILE


@contextmanager
def locked_folder(path: Path) -> Iterator[None]:
    """Make a folder and keep other runs of mpn out of it.

    Raises InputError where it can't be written or another run has it.
    """
    lock = filelock.FileLock(path / LOCK_FILE, blocking=False)
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise InputError(f"{path}/ is in use by another run of mpn") from None
    except FileExistsError:
        raise InputError(f"--out {path} is a file, not a folder") from None
    except OSError as error:
        raise InputError(f"{path}/ can't be written: {error.strerror}") from None
    try:
        yield
    finally:
        lock.release()
