"""One picture's pixels, or the reason why there are none."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from mpn_cli.arrays import Picture
from mpn_cli.sources.remote import is_remote, read_remote, remote_stamp

MAX_PIXELS = 200_000_000
"""Larger pictures are refused by their header, before any memory is taken: 600 MB decoded."""

MAX_SIDE = 32_766
"""OpenCV's warp addresses pixels with 16 bits."""


class UnreadableError(ValueError):
    """A picture that can't be used: ``reason`` is a short kind, the message says more."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


REDUCTIONS = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4,
              2: cv2.IMREAD_REDUCED_COLOR_2}  # fmt: skip
"""What a JPEG decoder can shrink by while it decodes, the most first."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture's pixels, perhaps of a smaller copy, and its true size."""

    pixels: Picture
    width: int
    height: int
    reduction: int = 1
    """Pixels of the picture, in a row, for one of ``pixels``."""

    @classmethod
    def whole(cls, pixels: Picture) -> Decoded:
        """A picture at its own size."""
        return cls(pixels, pixels.shape[1], pixels.shape[0])


Size = tuple[float, float]
"""Width and height in pixels, as a label file gives them."""


def read_picture(path: str, labelled_size: Size | None = None) -> Picture:
    """A picture as (H, W, 3) uint8 RGB, turned as :func:`decode_picture` does.

    Raises UnreadableError.
    """
    return decode_picture(_read(path), labelled_size)


def decode_picture(content: bytes, labelled_size: Size | None = None) -> Picture:
    """A picture file's pixels (H, W, 3) uint8 RGB, turned as its EXIF orientation says.

    labelled_size: what the file with its labels says. Where that is the size of the pixels as
    they are stored, and not of the upright picture, labels are meant in those. 16-bit, grey and
    CMYK pictures are converted, of an animation the first frame is taken. Raises UnreadableError.
    """
    upright = _decode(content, cv2.IMREAD_COLOR_RGB)
    if _swapped(upright.shape[1::-1], labelled_size):
        stored = _decode(content, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
        if stored.shape[1::-1] == labelled_size:
            return stored
    return upright


def _swapped(size: tuple[int, ...], labelled: Size | None) -> bool:
    return labelled is not None and size != labelled and size == labelled[::-1]


def read_reduced(
    path: str, most: Callable[[int, int], float], labelled_size: Size | None = None
) -> Decoded:
    """A picture, which a JPEG decoder may shrink: far faster for large pictures.

    most: from the picture's width and height, by how much at most; labelled_size: as in
    :func:`decode_picture`. Raises UnreadableError.
    """
    content = _read(path)
    as_stored = 0
    with Image.open(io.BytesIO(content)) as header:
        width, height = header.size
        if header.getexif().get(ExifTags.Base.Orientation, 1) >= 5:
            width, height = height, width
            if _swapped((width, height), labelled_size):
                width, height = height, width
                as_stored = cv2.IMREAD_IGNORE_ORIENTATION
        allowed = most(width, height) if header.format == "JPEG" else 1
    for reduction, flag in REDUCTIONS.items():
        if reduction <= allowed:
            pixels = cv2.cvtColor(_decode(content, flag | as_stored), cv2.COLOR_BGR2RGB)
            return Decoded(np.asarray(pixels, dtype=np.uint8), width, height, reduction)
    return Decoded(_decode(content, cv2.IMREAD_COLOR_RGB | as_stored), width, height)


def _read(path: str) -> bytes:
    """The content of a picture file that looks whole. Raises UnreadableError."""
    try:
        content = read_remote(path) if is_remote(path) else Path(path).read_bytes()
    except OSError as error:
        raise UnreadableError("unreadable", error.strerror or str(error)) from None
    if not content:
        raise UnreadableError("empty", "0 bytes")
    _check_header(content)
    _check_complete(content)
    return content


def _decode(content: bytes, flag: int) -> Picture:
    try:
        picture = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), flag)
    except cv2.error as error:
        raise UnreadableError("damaged", str(error.err)) from None
    if picture is None:
        raise UnreadableError("damaged", "its content can't be decoded")
    return np.asarray(picture, dtype=np.uint8)


def _check_header(content: bytes) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as header:
                width, height = header.size
    except Image.DecompressionBombError as error:
        raise UnreadableError("too large", str(error)) from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise UnreadableError("no picture", "its content is no picture of a known kind") from None
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise UnreadableError(
            "too large", f"{width}x{height}; at most {MAX_PIXELS // 10**6} million pixels"
        )


def _check_complete(content: bytes) -> None:
    """Truncated JPEG and PNG files decode to half a picture without an error."""
    if content.startswith(b"\xff\xd8"):
        # In the coded pixels FF is always followed by 00, so the last scan's end is unmistakable.
        whole = content.rfind(b"\xff\xd9") > content.rfind(b"\xff\xda")
    elif content.startswith(b"\x89PNG"):
        whole = b"IEND" in content[-64:] or b"IEND" in content
    else:
        return
    if not whole:
        raise UnreadableError("truncated", f"the file ends early, after {len(content)} bytes")


def file_stamp(path: str) -> tuple[int, int]:
    """Size in bytes and time of change in ns: what tells one version of a file from another.

    A file that is gone has (-1, -1); reading it will say so.
    """
    if is_remote(path):
        return remote_stamp(path)
    try:
        status = os.stat(path)
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns
