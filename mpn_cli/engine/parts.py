"""Part files: one finished shard each, whole or not there.

A part is JSON lines: a header (job hash, shard number, counts), one line a picture, and a last
line with the SHA-256 of all before it. It is written under a temporary name in the same folder,
flushed to disk and renamed, so that a kill leaves either nothing or the whole; what is torn or
altered afterwards is found by its checksum.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from mpn_cli.base.files import write_file
from mpn_cli.results.poses import AnnotatedPicture, Counts, ShardResult
from mpn_cli.sources.tasks import Skipped


class PartHeader(msgspec.Struct, frozen=True):
    """A part's first line."""

    job: str
    shard: int
    counts: Counts
    skipped: list[Skipped]
    overlays: str = ""
    """What was drawn on its overlays (:func:`mpn_cli.engine.overlays.overlay_style`)."""


_header = msgspec.json.Decoder(PartHeader)
_picture = msgspec.json.Decoder(AnnotatedPicture)


def part_file(folder: Path, shard: int) -> Path:
    """The path of a shard's part file."""
    return folder / f"{shard:08d}.jsonl"


def write_part(
    folder: Path, job: str, shard: int, result: ShardResult, overlays: str = ""
) -> PartHeader:
    """Write a finished shard. Raises OSError where the disk is full or gone."""
    header = PartHeader(job, shard, result.counts, result.skipped, overlays)
    _write(folder, header, result.pictures)
    return header


def note_overlays(folder: Path, header: PartHeader, overlays: str) -> PartHeader:
    """Note in a finished shard's part that its overlays are drawn. Raises OSError."""
    noted = msgspec.structs.replace(header, overlays=overlays)
    _write(folder, noted, list(part_pictures(folder, header.shard)))
    return noted


def _write(folder: Path, header: PartHeader, pictures: Sequence[AnnotatedPicture]) -> None:
    lines = [msgspec.json.encode(value) for value in (header, *pictures)]
    content = b"\n".join(lines) + b"\n"
    content += hashlib.sha256(content).hexdigest().encode() + b"\n"
    write_file(part_file(folder, header.shard), content)


def read_part(folder: Path, job: str, shard: int) -> PartHeader | None:
    """The header of a shard's part if the part is there, whole and of this job."""
    try:
        content = part_file(folder, shard).read_bytes()
    except OSError:
        return None
    body, _, checksum = content[:-1].rpartition(b"\n")
    body += b"\n"
    if not content.endswith(b"\n") or hashlib.sha256(body).hexdigest().encode() != checksum:
        return None
    return _decoded_header(body[: body.index(b"\n")], job, shard)


def read_header(folder: Path, job: str, shard: int) -> PartHeader | None:
    """The header of a shard's part if it is there and of this job; the rest is not looked at."""
    try:
        with part_file(folder, shard).open("rb") as part:
            return _decoded_header(part.readline(), job, shard)
    except OSError:
        return None


def _decoded_header(line: bytes, job: str, shard: int) -> PartHeader | None:
    """A part's header; None for one of another job, or as another version of mpn writes it."""
    try:
        header = _header.decode(line)
    except msgspec.DecodeError:
        return None
    return header if (header.job, header.shard) == (job, shard) else None


def part_pictures(folder: Path, shard: int) -> Iterator[AnnotatedPicture]:
    """The pictures of a part that ``read_part`` found whole."""
    with part_file(folder, shard).open("rb") as lines:
        next(lines)
        for line in lines:
            if line.startswith(b"{"):
                yield _picture.decode(line)
