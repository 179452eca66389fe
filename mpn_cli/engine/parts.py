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
from mpn_cli.results.poses import AnnotatedPicture, ShardResult
from mpn_cli.sources.tasks import Skipped


class PartHeader(msgspec.Struct, frozen=True):
    """A part's first line."""

    job: str
    shard: int
    pictures: int
    people: int
    skipped: list[Skipped]
    boxes_left_out: dict[str, int]
    full_image: int
    seconds: dict[str, float]
    kept_out: int = 0
    overlays: str = ""
    """What was drawn on its overlays (:func:`mpn_cli.engine.overlays.overlay_style`)."""
    reused: int = 0
    """Pictures whose poses are those of an earlier job."""
    other_size: int = 0


_header = msgspec.json.Decoder(PartHeader)
_picture = msgspec.json.Decoder(AnnotatedPicture)


def part_file(folder: Path, shard: int) -> Path:
    """Where a shard's part stands."""
    return folder / f"{shard:08d}.jsonl"


def write_part(
    folder: Path,
    job: str,
    shard: int,
    result: ShardResult,
    overlays: str = "",
    reused: int = 0,
) -> PartHeader:
    """Write a finished shard. Raises OSError where the disk is full or gone."""
    header = PartHeader(
        job,
        shard,
        len(result.pictures),
        sum(len(picture.poses) for picture in result.pictures),
        result.skipped,
        result.boxes_left_out,
        result.full_image,
        result.seconds,
        result.kept_out,
        overlays,
        reused,
        result.other_size,
    )
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
    header = _header.decode(body[: body.index(b"\n")])
    return header if (header.job, header.shard) == (job, shard) else None


def read_header(folder: Path, job: str, shard: int) -> PartHeader | None:
    """The header of a shard's part if it is there and of this job; the rest is not looked at."""
    try:
        with part_file(folder, shard).open("rb") as part:
            header = _header.decode(part.readline())
    except (OSError, msgspec.DecodeError):
        return None
    return header if (header.job, header.shard) == (job, shard) else None


def part_pictures(folder: Path, shard: int) -> Iterator[AnnotatedPicture]:
    """The pictures of a part that ``read_part`` found whole."""
    with part_file(folder, shard).open("rb") as lines:
        next(lines)
        for line in lines:
            if line.startswith(b"{"):
                yield _picture.decode(line)
