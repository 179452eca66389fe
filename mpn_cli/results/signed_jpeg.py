"""JPEG files that carry a proof that mpn wrote them.

A comment segment behind the start-of-image marker holds the SHA-256 of all the rest: a file that
somebody else made, or worked on since, does not carry its own hash.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

_START = b"\xff\xd8"
_COMMENT = b"\xff\xfe"
_NAME = b"mpn overlay "
_HEX = 64
_LENGTH = (2 + len(_NAME) + _HEX).to_bytes(2)
"""Length of the comment segment: two bytes for the length itself, and its text."""

_BEFORE = _START + _COMMENT + _LENGTH + _NAME


def signed(jpeg: bytes) -> bytes:
    """A JPEG file's content with its hash in it."""
    return _BEFORE + _hash(jpeg) + jpeg[len(_START) :]


def is_signed(file: Path) -> bool:
    """Whether mpn wrote a file and it is unchanged since. False for links."""
    if file.is_symlink() or not file.is_file():
        return False
    with file.open("rb") as content:
        if content.read(len(_BEFORE)) != _BEFORE:
            return False
        found = content.read(_HEX)
        return found == _hash(_START + content.read())


def _hash(jpeg: bytes) -> bytes:
    return hashlib.sha256(jpeg).hexdigest().encode()
