"""Pictures in folders, globs and path lists."""

from __future__ import annotations

import glob
import itertools
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mpn_cli.base.errors import InputError
from mpn_cli.formats.files import plain_utf8
from mpn_cli.sources.kinds import VIDEOS, hints, in_words, picture_suffixes, suffix_of
from mpn_cli.sources.remote import is_remote, list_remote
from mpn_cli.sources.results_folders import own_pictures
from mpn_cli.sources.tasks import Skipped

STDIN = "-"


@dataclass(frozen=True, slots=True)
class FoundPicture:
    """A picture file and the folder that its name is relative to."""

    path: str
    """Absolute, links not resolved; or an address in object storage."""
    root: str
    stamp: tuple[int, int] | None = None
    """Known where listing the files told it."""


@dataclass
class Found:
    """What some sources hold."""

    pictures: list[FoundPicture] = field(default_factory=list)
    """Each once, sorted by path."""
    unreadable: list[Skipped] = field(default_factory=list)
    """Folders that can't be looked into."""
    others: Counter[str] = field(default_factory=Counter)
    """Files that are no pictures, by the ends of their names."""


def find_pictures(sources: Iterable[str], out: str | None = None, *, videos: bool = False) -> Found:
    """The pictures of folders, files, globs, .txt lists and "-"; with ``videos`` those too.

    What mpn drew, in ``out`` (the results folder) and other results folders, is left out.
    Raises InputError for a path that does not exist, a folder named by the user that can't be
    looked into, and sources without any picture.
    """
    everything = Found()
    pictures: dict[str, FoundPicture] = {}
    others: set[str] = set()
    suffixes = picture_suffixes() + (VIDEOS if videos else ())
    sources = list(sources)
    is_own = own_pictures(out)
    for source in sources:
        if is_remote(source):
            files = ((one, False) for one in _addressed(source))
        else:
            files = (
                (FoundPicture(path, root), wanted)
                for path, root, wanted in _expand(source, everything.unreadable)
                if wanted or not is_own(path, root)
            )
        for picture, wanted in files:
            if wanted or picture.path.lower().endswith(suffixes):
                pictures.setdefault(picture.path, picture)
            else:
                others.add(picture.path)
    # What one source names is a picture, whatever another source takes it for.
    everything.others.update(suffix_of(path) for path in others if path not in pictures)
    if not pictures:
        raise InputError(_nothing_found(sources, suffixes, everything))
    everything.pictures = sorted(pictures.values(), key=lambda picture: picture.path)
    return everything


def _nothing_found(sources: list[str], suffixes: tuple[str, ...], found: Found) -> str:
    others = f"{found.others.total()} other files found"
    if found.others:
        others += f": {in_words(found.others)}"
    looked = f"looked for {' '.join(suffixes)}, {others}"
    if found.unreadable:
        first = found.unreadable[0]
        looked += f"; {len(found.unreadable)} folders not read: {first.path}: {first.detail}"
    return "; ".join([f"no pictures in {', '.join(sources)} ({looked})", *hints(found.others)])


def _addressed(source: str) -> Iterator[FoundPicture]:
    """The files at or below an address in object storage."""
    root, files = list_remote(source)
    for path, stamp in files:
        yield FoundPicture(path, root, stamp)


def _expand(source: str, unreadable: list[Skipped]) -> Iterator[tuple[str, str, bool]]:
    """(path, root, named by the user) for each file behind one word of the command line."""
    if source == STDIN:
        if sys.stdin is None:
            raise InputError("- reads paths from standard input, which is closed")
        lines = _lines(sys.stdin.buffer.read(), "standard input")
        yield from _listed(lines, os.getcwd(), "standard input")
    elif os.path.isdir(source):
        root = os.path.abspath(source)
        for path in _walk(root, unreadable):
            yield path, root, False
    elif os.path.isfile(source):
        path = os.path.abspath(source)
        if source.lower().endswith(".txt"):
            try:
                content = Path(source).read_bytes()
            except OSError as error:
                raise InputError(f"{source}: {error.strerror}") from None
            yield from _listed(_lines(content, source), os.path.dirname(path), source)
        else:
            yield path, os.path.dirname(path), True
    elif glob.has_magic(source):
        yield from _globbed(source, unreadable)
    elif os.path.exists(source):
        raise InputError(f"{source}: neither a file nor a folder, but a pipe, socket or device")
    else:
        raise InputError(f"{source}: {_why_missing(source)}")


def _lines(content: bytes, name: str) -> list[str]:
    """The lines of a list of paths, which need not be UTF-8. Raises InputError."""
    try:
        plain = plain_utf8(content)
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not a readable list of paths ({error})") from None
    return plain.decode(errors="surrogateescape").splitlines()


def _why_missing(path: str) -> str:
    try:
        os.stat(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        return error.strerror or str(error)
    except ValueError:  # a NUL in its name
        pass
    return "no such file or folder"


def _walk(root: str, unreadable: list[Skipped]) -> Iterator[str]:
    """Files below a folder, links followed, each real folder entered once.

    A folder below it that can't be looked into goes to ``unreadable``. Raises InputError where
    ``root`` itself can't.
    """
    visited: set[tuple[int, int]] = set()

    def complain(error: OSError) -> None:
        if error.filename == root:
            raise InputError(f"{error.filename}: {error.strerror}")
        why = f"a folder that can't be looked into: {error.strerror}"
        unreadable.append(Skipped(error.filename, "unreadable", why))

    for folder, subfolders, files in os.walk(root, followlinks=True, onerror=complain):
        try:
            status = os.stat(folder)
        except OSError as error:  # it has gone since it was listed
            complain(error)
            continue
        if (status.st_dev, status.st_ino) in visited:
            subfolders.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        # Sorted so that a folder reached twice is always entered by the same way.
        subfolders.sort()
        for name in sorted(files):
            yield os.path.join(folder, name)


def _globbed(pattern: str, unreadable: list[Skipped]) -> Iterator[tuple[str, str, bool]]:
    matches = sorted(glob.glob(pattern, recursive=True))
    if not matches:
        raise InputError(f"{pattern}: nothing matches")
    fixed = list(itertools.takewhile(lambda part: not glob.has_magic(part), Path(pattern).parts))
    root = os.path.abspath(os.path.join(*fixed)) if fixed else os.getcwd()
    for match in matches:
        path = os.path.abspath(match)
        if os.path.isdir(path):
            yield from ((inner, root, False) for inner in _walk(path, unreadable))
        else:
            yield path, root, False


def _listed(lines: Iterable[str], base: str, name: str) -> Iterator[tuple[str, str, bool]]:
    lines = [line.strip() for line in lines]
    if lines:
        lines[0] = lines[0].removeprefix("\ufeff")  # of a list piped in
    lines = [line for line in lines if line]
    paths = [
        line if is_remote(line) else os.path.normpath(os.path.join(base, line)) for line in lines
    ]
    if not paths:
        raise InputError(f"{name}: lists no paths")
    inside = all(path.startswith(base.rstrip(os.sep) + os.sep) for path in paths)
    if not inside and len({is_remote(path) for path in paths}) > 1:
        raise InputError(f"{name}: lists files and addresses; give them in two lists")
    root = base if inside else _common_folder(paths)
    for path in paths:
        yield path, root, True


def _common_folder(paths: list[str]) -> str:
    folders = [
        path.rpartition("/")[0] if is_remote(path) else os.path.dirname(path) for path in paths
    ]
    common = os.path.commonpath(folders)
    # commonpath takes the double slash of an address for one.
    return common.replace(":/", "://", 1) if is_remote(paths[0]) else common


def relative_names(pictures: list[FoundPicture]) -> list[str]:
    """Each picture's name relative to its root, "/"-separated.

    Where two roots hold the same name, all names are relative to the roots' common folder.
    """
    names = [os.path.relpath(picture.path, picture.root) for picture in pictures]
    if len(set(names)) < len(names):
        common = os.path.commonpath([picture.root for picture in pictures])
        names = [os.path.relpath(picture.path, common) for picture in pictures]
    return [name.replace(os.sep, "/") for name in names]


def number_pictures(names: list[str]) -> list[int]:
    """Image ids: a name of digits only gives its number, the rest count from 1 in order.

    A number that is taken (the same digits in another folder) counts on like the rest.
    """
    ids: list[int | None] = []
    taken: set[int] = set()
    for name in names:
        stem = os.path.splitext(os.path.basename(name))[0]
        number = int(stem) if stem.isascii() and stem.isdigit() and len(stem) < 16 else None
        if number in taken:
            number = None
        ids.append(number)
        if number is not None:
            taken.add(number)
    following = 1
    numbered: list[int] = []
    for number in ids:
        if number is None:
            while following in taken:
                following += 1
            taken.add(following)
            number = following
        numbered.append(number)
    return numbered
