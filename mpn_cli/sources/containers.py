"""The format of a picture file and whether it is complete, judged by its bytes before decoding.

Decoders make half a picture of half a file without an error. Each format says in its own way where
it ends; what stands behind that end (the video of a motion photo, the thumbnails of a camera) is
none of the picture's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""In a JPEG's coded pixels FF is followed by 00 (an FF of the data) or D0 to D7 (a restart)."""

_SOI, _EOI, _SOS, _TEM = 0xD8, 0xD9, 0xDA, 0x01

HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
AVIF_BRANDS = (b"avif", b"avis")
"""Brands of ISO media files that are AVIF pictures; files of other brands are videos."""


def format_of(content: bytes) -> str:
    """The kind of a file by its first bytes, as ``JPEG``; "" for one that is not known."""
    for start, name in (
        (b"\xff\xd8\xff", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"BM", "BMP"),
        (b"II*\x00", "TIFF"),
        (b"MM\x00*", "TIFF"),
        (b"GIF8", "GIF"),
        (b"\x1aE\xdf\xa3", "video"),
        (b"FLV\x01", "video"),
        (b"\x00\x00\x01\xba", "video"),
        (b"\x00\x00\x01\xb3", "video"),
        (b"0&\xb2u\x8ef\xcf\x11", "video"),
        (b"OggS", "video"),
    ):
        if content.startswith(start):
            return name
    if content[:4] == b"RIFF":
        return {b"WEBP": "WebP", b"AVI ": "video"}.get(content[8:12], "")
    if content[4:8] == b"ftyp":
        brand = content[8:12]
        if brand in AVIF_BRANDS or (brand in HEIC_BRANDS and b"avif" in content[12:64]):
            return "AVIF"
        return "HEIC" if brand in HEIC_BRANDS else "video"
    return "video" if _is_transport_stream(content) else ""


def _is_transport_stream(content: bytes) -> bool:
    """MPEG-TS: a sync byte every 188 bytes; every 192, 4 bytes in, from camcorders."""
    return any(
        len(content) > first + 2 * step and all(content[first + k * step] == 0x47 for k in range(3))
        for first, step in ((0, 188), (4, 192))
    )


def ends_early(content: bytes, kind: str) -> bool:
    """Whether a file of a kind (as ``format_of`` names it) is cut off before its end."""
    check = _CHECKS.get(kind)
    return check is not None and check(content)


def _jpeg_ends_early(content: bytes) -> bool:
    place = 2
    while True:
        found = _NEXT_MARKER.search(content, place)
        if found is None:
            return True
        marker, place = content[found.end() - 1], found.end()
        if marker == _EOI:
            return False
        if marker in (_SOI, _TEM):
            continue
        # A segment; behind that of SOS come coded pixels, which the search goes through.
        place += max(2, int.from_bytes(content[place : place + 2]))
        if place > len(content):
            return True


def _png_ends_early(content: bytes) -> bool:
    place = 8
    while place + 12 <= len(content):
        length, name = int.from_bytes(content[place : place + 4]), content[place + 4 : place + 8]
        place += 12 + length
        if name == b"IEND":
            return False
    return True


def _webp_ends_early(content: bytes) -> bool:
    return int.from_bytes(content[4:8], "little") + 8 > len(content) + 1  # some lack the padding


def _bmp_ends_early(content: bytes) -> bool:
    """Only uncompressed files are checked, since the size of their pixels is known."""
    pixels, header = (int.from_bytes(content[i : i + 4], "little") for i in (10, 14))
    if header < 40 or int.from_bytes(content[30:34], "little") not in (0, 3):
        return False
    width = abs(int.from_bytes(content[18:22], "little", signed=True))
    height = abs(int.from_bytes(content[22:26], "little", signed=True))
    bits = int.from_bytes(content[28:30], "little")
    return pixels + (width * bits + 31) // 32 * 4 * height > len(content)


def _tiff_ends_early(content: bytes) -> bool:
    """The directory often stands at the end; the strips' places are in it."""
    order = "little" if content[:2] == b"II" else "big"
    return int.from_bytes(content[4:8], order) + 2 > len(content)  # type: ignore[arg-type]


def _media_ends_early(content: bytes) -> bool:
    """ISO media: boxes, each with its size."""
    place = 0
    while place + 8 <= len(content):
        size = int.from_bytes(content[place : place + 4])
        if size == 1:
            size = int.from_bytes(content[place + 8 : place + 16])
        if size < 8:
            return False  # 0: up to the file's end
        place += size
    return place > len(content)


_CHECKS: dict[str, Callable[[bytes], bool]] = {
    "JPEG": _jpeg_ends_early,
    "PNG": _png_ends_early,
    "WebP": _webp_ends_early,
    "BMP": _bmp_ends_early,
    "TIFF": _tiff_ends_early,
    "AVIF": _media_ends_early,
    "HEIC": _media_ends_early,
}
