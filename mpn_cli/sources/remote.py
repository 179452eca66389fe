"""Pictures in object storage, through fsspec: ``s3://``, ``gs://``, ``https://``, ``memory://``.

Which kinds there are depends on the drivers that are installed (s3fs, gcsfs, aiohttp).
"""

from __future__ import annotations

import hashlib
import time
from typing import Any, BinaryIO

from mpn_cli.base.errors import InputError

TRIES = 3
"""A picture is asked for so often before it is left out: networks have bad seconds."""

DRIVERS = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "http": "aiohttp",
    "https": "aiohttp",
    "abfs": "adlfs",
    "az": "adlfs",
}


def is_remote(path: str) -> bool:
    """Whether a path is an address, as ``s3://bucket/photos``."""
    return "://" in path


def list_remote(source: str) -> tuple[str, list[tuple[str, tuple[int, int]]]]:
    """A folder's address, and the files at or below it, sorted, each with its stamp.

    Of a file's address the folder is the one that it is in. Raises InputError where the storage
    can't be reached or has nothing there.
    """
    storage, root = _storage(source)
    try:
        if storage.isfile(root):
            files, root = {root: storage.info(root)}, root.rpartition("/")[0]
        else:
            files = storage.find(root, detail=True)
    except Exception as error:  # every driver has errors of its own
        raise InputError(f"{source}: {_first_line(error)}") from None
    if not files:
        raise InputError(f"{source}: no such file or folder")
    stamped = [(storage.unstrip_protocol(name), _stamp(files[name])) for name in sorted(files)]
    return storage.unstrip_protocol(root), stamped


def remote_stamp(path: str) -> tuple[int, int]:
    """Size in bytes, and a number from the entity tag or the time of change; (-1, -1) if gone."""
    storage, name = _storage(path)
    try:
        return _stamp(storage.info(name))
    except Exception:  # reading it will say what is wrong
        return -1, -1


def read_remote(path: str) -> bytes:
    """A file's content. Raises OSError where it is not there or can't be had."""
    storage, name = _storage(path)
    for left in reversed(range(TRIES)):
        try:
            content: bytes = storage.cat_file(name)
            return content
        except FileNotFoundError:
            raise FileNotFoundError(2, "no such file") from None
        except Exception as error:  # every driver has errors of its own
            if not left:
                raise OSError(5, _first_line(error)) from None
            time.sleep(1.0)
    raise AssertionError


def open_remote(path: str) -> BinaryIO:
    """A file that is fetched piece by piece as it is read. Raises OSError."""
    storage, name = _storage(path)
    try:
        opened: BinaryIO = storage.open(name, "rb")
    except FileNotFoundError:
        raise FileNotFoundError(2, "no such file") from None
    except Exception as error:  # every driver has errors of its own
        raise OSError(5, _first_line(error)) from None
    return opened


def _storage(path: str) -> tuple[Any, str]:
    import fsspec

    kind = path.partition("://")[0]
    try:
        storage, name = fsspec.core.url_to_fs(path)
    except ImportError:
        driver = DRIVERS.get(kind, "its fsspec driver")
        raise InputError(f"{kind}:// needs {driver}; pip install {driver}") from None
    except ValueError as error:
        raise InputError(f"{path}: {_first_line(error)}") from None
    return storage, name


def _stamp(info: dict[str, Any]) -> tuple[int, int]:
    known = info.get("ETag") or info.get("etag") or info.get("mtime") or info.get("LastModified")
    digest = hashlib.sha256(str(known).encode()).digest()
    return int(info.get("size") or -1), int.from_bytes(digest[:6])


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
