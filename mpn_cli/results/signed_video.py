"""MP4 files that carry a proof that mpn wrote them.

A last box of the kind that readers skip holds the SHA-256 of all before it, as the comment of
:mod:`mpn_cli.results.signed_jpeg` does.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

_NAME = b"mpn overlay "
_HEX = 64
_LENGTH = 8 + len(_NAME) + _HEX
_BEFORE = _LENGTH.to_bytes(4) + b"free" + _NAME


def sign_video(file: Path) -> None:
    """Append the proof to a complete MP4 file."""
    with file.open("rb+") as content:
        proof = _hash(content, os.fstat(content.fileno()).st_size)
        content.seek(0, os.SEEK_END)
        content.write(_BEFORE + proof)


def is_signed_video(file: Path) -> bool:
    """Whether mpn wrote a file and it is unchanged since. False for links."""
    if file.is_symlink() or not file.is_file():
        return False
    with file.open("rb") as content:
        length = os.fstat(content.fileno()).st_size - _LENGTH
        if length < 0:
            return False
        content.seek(length)
        last = content.read()
        return last[:-_HEX] == _BEFORE and last[-_HEX:] == _hash(content, length)


def _hash(content: BinaryIO, length: int) -> bytes:
    """Of a file's first bytes."""
    digest = hashlib.sha256()
    content.seek(0)
    while length > 0:
        block = content.read(min(length, 1 << 20))
        digest.update(block)
        length -= len(block) or length
    return digest.hexdigest().encode()
