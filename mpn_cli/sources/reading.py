"""One picture's pixels, or the reason why there are none."""

from __future__ import annotations

import io
import os
import stat
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps

from mpn_cli.base.arrays import Picture
from mpn_cli.base.errors import MpnError
from mpn_cli.sources.containers import ends_early, format_of
from mpn_cli.sources.decoder_lines import heard
from mpn_cli.sources.kinds import HEIC_HINT, VIDEO_HINT, reads_heic
from mpn_cli.sources.remote import is_remote, read_remote, remote_stamp

MAX_PIXELS = 178_000_000
"""Larger pictures are refused by their header, before any memory is taken (530 MB decoded); Pillow
refuses to open what is a little larger still."""

MAX_BYTES = 2_000_000_000
"""Larger files are not read: the largest pictures have half of it, with 16 bits and alpha."""

HEIC = "HEIC"

MAX_SIDE = 32_766
"""OpenCV's warp addresses pixels with 16 bits."""


class UnreadableError(MpnError):
    """A picture that can't be used: ``reason`` is a short kind, the message says more."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)  # both, or it could not be sent between processes
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return self.detail


REDUCTIONS = {
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
}
"""Factors by which a JPEG decoder can shrink a picture, the largest first."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture's pixels, perhaps of a smaller copy, and its true size."""

    pixels: Picture
    width: int
    height: int
    reduction: int = 1
    """Pixels of the picture per pixel of ``pixels``, along each side."""

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
    if _check_header(content).kind == HEIC:
        return _decode_heic(content)
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
    header = _check_header(content, orientation_too=True)
    if header.kind == HEIC:
        return Decoded.whole(_decode_heic(content))
    width, height = header.width, header.height
    as_stored = 0
    if header.lies_on_its_side and _swapped((width, height), labelled_size):
        width, height = height, width
        as_stored = cv2.IMREAD_IGNORE_ORIENTATION
    allowed = most(width, height) if header.shrinks else 1
    for reduction, flag in REDUCTIONS.items():
        if reduction <= allowed:
            smaller = _decode(content, flag | as_stored)
            pixels = np.asarray(cv2.cvtColor(smaller, cv2.COLOR_BGR2RGB), np.uint8)
            rows, columns = pixels.shape[:2]
            if (rows - columns) * (height - width) < 0:
                width, height = height, width  # OpenCV read the orientation in another way
            return Decoded(pixels, width, height, reduction)
    return Decoded.whole(_decode(content, cv2.IMREAD_COLOR_RGB | as_stored))


def _read(path: str) -> bytes:
    """The content of a file. Raises UnreadableError."""
    try:
        content = read_remote(path) if is_remote(path) else _read_regular(path)
    except OSError as error:
        raise UnreadableError("unreadable", error.strerror or str(error)) from None
    if not content:
        raise UnreadableError("empty", "0 bytes")
    return content


def _read_regular(path: str) -> bytes:
    """Read a regular file only: a pipe would block, and a device might never end."""
    file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(file, "rb", buffering=0) as opened:
        status = os.fstat(file)
        if stat.S_ISDIR(status.st_mode):
            raise UnreadableError("unreadable", "is a directory")
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError("no regular file", "a pipe, a socket or a device")
        if status.st_size > MAX_BYTES:
            raise UnreadableError("too large", f"{status.st_size} bytes; at most {MAX_BYTES}")
        return opened.read(status.st_size) if status.st_size else b""


def _decode(content: bytes, flag: int) -> Picture:
    with heard() as line:
        try:
            picture = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), flag)
        except cv2.error as error:
            raise UnreadableError("damaged", str(error.err)) from None
    if picture is None:
        raise UnreadableError("damaged", line() or "its content can't be decoded")
    return np.asarray(picture, dtype=np.uint8)


def _decode_heic(content: bytes) -> Picture:
    try:
        with heard(), _opened(content) as picture:
            turned = ImageOps.exif_transpose(picture).convert("RGB")
            return np.asarray(turned, dtype=np.uint8)
    except MemoryError:
        raise
    except Exception as error:  # libheif's, by way of Pillow
        raise UnreadableError("damaged", _first_line(error)) from None


def _opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@dataclass(frozen=True, slots=True)
class _Header:
    """The data in a file's header, read before it is decoded."""

    kind: str
    width: int
    height: int
    shrinks: bool
    """Whether its decoder can shrink it while decoding."""
    lies_on_its_side: bool
    """Whether EXIF rotates it by 90 degrees; determined only on request."""


def _check_header(content: bytes, *, orientation_too: bool = False) -> _Header:
    """What a file's header says. Raises UnreadableError for what can't be, or isn't, decoded.

    orientation_too: width and height are those of the picture turned as EXIF says.
    """
    kind = format_of(content)
    if kind == "video":
        raise UnreadableError("video", VIDEO_HINT)
    if kind == HEIC:
        if not reads_heic():
            raise UnreadableError("HEIC", HEIC_HINT)
        _register_heic()
    cut = UnreadableError("truncated", f"the file ends early, after {len(content)} bytes")
    try:
        with heard(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with _opened(content) as header:
                width, height = header.size
                shrinks = header.format == "JPEG"
                on_its_side = orientation_too and _lies_on_its_side(header)
                if on_its_side:
                    width, height = height, width
    except Image.DecompressionBombError:
        raise UnreadableError("too large", f"over {MAX_PIXELS // 10**6} million pixels") from None
    except MemoryError:
        raise
    except Exception:  # each format's parser has errors of its own
        if ends_early(content, kind):
            raise cut from None
        if kind:
            raise UnreadableError("damaged", f"a {kind} file whose header is damaged") from None
        raise UnreadableError("no picture", "its content is no picture of a known kind") from None
    if width * height > MAX_PIXELS:
        limit = f"at most {MAX_PIXELS // 10**6} million pixels"
        raise UnreadableError("too large", f"{width}x{height}; {limit}")
    if max(width, height) > MAX_SIDE:
        limit = f"at most {MAX_SIDE} pixels a side"
        raise UnreadableError("too large", f"{width}x{height}; {limit}")
    if ends_early(content, kind):
        raise cut
    return _Header(kind, width, height, shrinks, on_its_side)


def _lies_on_its_side(header: Image.Image) -> bool:
    """Whether EXIF turns a picture by a quarter; an orientation that makes no sense doesn't."""
    try:
        orientation = header.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # a damaged EXIF block does not hide the picture
        return False
    return isinstance(orientation, int) and 5 <= orientation <= 8


@lru_cache(maxsize=1)
def _register_heic() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


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
