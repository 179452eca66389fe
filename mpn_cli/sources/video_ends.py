"""Whether a video file is cut off before its end, judged by the sizes that its container says."""

from __future__ import annotations

import os
from typing import BinaryIO

_SEGMENT = b"\x18\x53\x80\x67"


def video_ends_early(file: BinaryIO) -> bool:
    """Whether an MP4, MOV, Matroska, WebM or AVI file is shorter than its headers say.

    Headers that don't say it, as of a recording that was never closed, count as complete.
    """
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(64)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return _iso_end(file, length) > length
    if head[:4] == b"\x1aE\xdf\xa3":
        return _matroska_end(head) > length
    if head[:4] == b"RIFF":
        return int.from_bytes(head[4:8], "little") + 8 > length + 1  # some lack the padding
    return False


def _iso_end(file: BinaryIO, length: int) -> int:
    """Where the last of the top-level boxes ends: each says its size."""
    place = 0
    while place + 8 <= length:
        file.seek(place)
        header = file.read(16)
        size = int.from_bytes(header[:4])
        if size == 1:
            size = int.from_bytes(header[8:16])
        if size == 0:  # the last box, which goes on to the end of the file
            return length
        place += max(size, 8)
    return place


def _matroska_end(head: bytes) -> int:
    """Where the segment, which holds everything, ends; 0 if it doesn't say."""
    size, place = _variable(head, 4)
    place += size  # behind the EBML header
    if head[place : place + 4] != _SEGMENT:
        return 0
    size, place = _variable(head, place + 4)
    return place + size if size else 0


def _variable(content: bytes, place: int) -> tuple[int, int]:
    """A number of EBML's variable length, 0 where it stands for "unknown", and what follows it."""
    first = content[place] if place < len(content) else 0
    width = 9 - first.bit_length()
    if width > 8:
        return 0, place + 1
    value = int.from_bytes(content[place : place + width]) & ((1 << 7 * width) - 1)
    return (0 if value == (1 << 7 * width) - 1 else value), place + width
