"""Known networks, fetched once into the user's cache: ``mpn fetch``.

A download goes on where it stopped, and a file counts only with the SHA-256 in the catalogue.
"""

from __future__ import annotations

import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO

from mpn_cli.base.errors import InputError
from mpn_cli.base.files import file_sha256, move_into_place
from mpn_cli.base.version import __version__
from mpn_cli.networks.openvino_cache import cache_folder

CATALOGUE = Path(__file__).parent / "catalogue.toml"
BLOCK = 1 << 18
TIMEOUT_SECONDS = 30

Report = Callable[[int], None]
"""Told the number of bytes that are there."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A network that can be fetched."""

    name: str
    kind: str
    """detector or pose."""
    url: str
    sha256: str
    bytes: int
    licence: str
    about: str
    said: str = ""
    """What goes behind the file's name, as family=yolox."""

    @property
    def file(self) -> Path:
        """Where it is kept."""
        return cache_folder() / "networks" / f"{self.name}.onnx"

    @property
    def option(self) -> str:
        """The option that takes it."""
        named = f"onnx:{self.file}" + (f",{self.said}" if self.said else "")
        return f"--{'detector' if self.kind == 'detector' else 'model'} {named}"


def read_catalogue(file: Path = CATALOGUE) -> dict[str, Entry]:
    """All entries by name."""
    entries = tomllib.loads(file.read_text())
    return {name: Entry(name, **values) for name, values in entries.items()}


def fetch(entry: Entry, report: Report) -> Path:
    """The entry's file, downloaded if it is not there yet.

    Raises InputError with one line where the place can't be reached, the disk is full, or what
    came is not what the catalogue says.
    """
    file = entry.file
    if file.is_file() and file_sha256(file) == entry.sha256:
        return file
    unfinished = file.with_suffix(".part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _download(entry, unfinished, report)
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise InputError(
            f"{entry.name}: {entry.url} can't be reached ({reason}); what came is kept, the same"
            " command goes on from there"
        ) from None
    except OSError as error:
        raise InputError(f"{unfinished}: {error.strerror}") from None
    found = file_sha256(unfinished)
    if found != entry.sha256:
        unfinished.unlink()
        raise InputError(
            f"{entry.name}: what came from {entry.url} is not what was published (SHA-256"
            f" {found[:12]}..., not {entry.sha256[:12]}...); it was thrown away"
        )
    try:
        move_into_place(unfinished, file)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    return file


def _download(entry: Entry, unfinished: Path, report: Report) -> None:
    there = unfinished.stat().st_size if unfinished.is_file() else 0
    if there >= entry.bytes:
        return
    request = urllib.request.Request(entry.url, headers={"User-Agent": f"mpn/{__version__}"})
    if there:
        request.add_header("Range", f"bytes={there}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        partial = answer.status == 206
        with unfinished.open("ab" if partial else "wb") as out:
            _copy(answer, out, there if partial else 0, entry.bytes, report)


def _copy(source: BinaryIO, out: BinaryIO, there: int, most: int, report: Report) -> None:
    while block := source.read(BLOCK):
        there += out.write(block)
        report(there)
        if there > most:
            return  # more than was published: the hash will say so
    if there < most:
        raise ConnectionError(f"the connection ended after {there} of {most} bytes")
