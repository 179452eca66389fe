"""Known networks, downloaded once into the user's cache: ``mpn fetch``.

An interrupted download is resumed, and a file is accepted only with the catalogue's SHA-256.
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
"""Called with the number of bytes downloaded so far."""


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
    """The key=value pairs that follow the file's name in the option, as family=yolox."""

    @property
    def file(self) -> Path:
        """The path of the downloaded file."""
        return cache_folder() / "networks" / f"{self.name}.onnx"

    @property
    def option(self) -> str:
        """The command-line option that selects the network."""
        named = f"onnx:{self.file}" + (f",{self.said}" if self.said else "")
        return f"--{'detector' if self.kind == 'detector' else 'model'} {named}"


def read_catalogue(file: Path = CATALOGUE) -> dict[str, Entry]:
    """All entries by name."""
    entries = tomllib.loads(file.read_text())
    return {name: Entry(name, **values) for name, values in entries.items()}


def fetch(entry: Entry, report: Report) -> Path:
    """The entry's file, downloaded if it is not there yet.

    Raises InputError if the address can't be reached, the disk is full, or the file's SHA-256 is
    not the one in the catalogue.
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
    size = unfinished.stat().st_size if unfinished.is_file() else 0
    if size >= entry.bytes:
        return
    request = urllib.request.Request(entry.url, headers={"User-Agent": f"mpn/{__version__}"})
    if size:
        request.add_header("Range", f"bytes={size}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        partial = answer.status == 206
        with unfinished.open("ab" if partial else "wb") as out:
            _copy(answer, out, size if partial else 0, entry.bytes, report)


def _copy(source: BinaryIO, out: BinaryIO, written: int, size: int, report: Report) -> None:
    while block := source.read(BLOCK):
        written += out.write(block)
        report(written)
        if written > size:
            return  # more than was published: the hash will say so
    if written < size:
        raise ConnectionError(f"the connection ended after {written} of {size} bytes")
