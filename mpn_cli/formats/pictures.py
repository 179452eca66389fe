r"""From the names in label files to the pictures they mean.

Exports write names in many ways: ``images/a.jpg`` beside the folder images/, ``sub\a.jpg`` on
Windows, ``my%20photo.jpg`` from a web server, absolute paths of another machine; Roboflow and Label
Studio put something of their own into them.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

_FOLDERS = ("images", "annotations", "labels")
"""Usual names: what stands in front of a picture's name, and where label files lie."""

_ABSOLUTE = re.compile(r"^(/|[A-Za-z]:[/\\]|\\\\|file://)")
_ROBOFLOW = re.compile(r"^(.+)_(?:jpe?g|png|bmp|webp|tiff?)\.rf\.[0-9a-z]+$")
_LABEL_STUDIO = re.compile(r"^[0-9a-f]{8}-(.+)$")


class PictureFinder:
    """Finds pictures below some folders; names may be written in another way than the files'."""

    def __init__(self, roots: list[str]) -> None:
        self.roots = roots
        self._listings: dict[str, dict[str, str | None]] = {}

    @classmethod
    def beside(cls, file: str) -> PictureFinder:
        """For the pictures of a label file: in ``images/`` beside it, else beside it.

        Of a label file in a folder called annotations or labels, likewise beside that folder.
        """
        folder = os.path.dirname(os.path.abspath(file))
        places = [folder]
        if os.path.basename(folder).lower() in _FOLDERS[1:]:
            places.append(os.path.dirname(folder))
        roots = [
            one
            for place in places
            for one in (os.path.join(place, _FOLDERS[0]), place)
            if os.path.isdir(one)
        ]
        return cls(roots or [folder])

    def find(self, name: str) -> tuple[str, str] | None:
        """(path, name relative to its folder, "/"-separated) of a picture; None if it is not there.

        A file of just that name is preferred to every other reading of it.
        """
        for root in self.roots:
            for spelling in spellings(name, os.path.basename(root)):
                path = os.path.normpath(os.path.join(root, spelling))
                if is_below(root, path) and os.path.isfile(path):
                    return path, os.path.relpath(path, root).replace(os.sep, "/")
        for root in self.roots:
            for spelling in spellings(name, os.path.basename(root)):
                path = os.path.normpath(os.path.join(root, spelling))
                real = self._listing(os.path.dirname(path)).get(_plain(os.path.basename(path)))
                if real is not None and is_below(root, path):
                    path = os.path.join(os.path.dirname(path), real)
                    return path, os.path.relpath(path, root).replace(os.sep, "/")
        return None

    def _listing(self, folder: str) -> dict[str, str | None]:
        """A folder's files by their names in small letters; None where two are the same so."""
        if folder not in self._listings:
            listing: dict[str, str | None] = {}
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.is_file():
                            key = _plain(entry.name)
                            listing[key] = None if key in listing else entry.name
            except (OSError, ValueError):  # a name may hold a NUL
                pass
            self._listings[folder] = listing
        return self._listings[folder]


def is_below(root: str, path: str) -> bool:
    """Whether a normalised path is inside a folder."""
    return path.startswith(root.rstrip(os.sep) + os.sep)


def spellings(name: str, folder: str) -> Iterator[str]:
    """What a name may mean, the likeliest first; ``folder`` is where it is looked for."""
    seen = set()
    slashed = name.replace("\\", "/")
    for one in (name, slashed, unquote(name), unquote(slashed)):
        first, _, rest = one.removeprefix("./").partition("/")
        readings = [one, rest] if rest and first.lower() in (_FOLDERS[0], folder.lower()) else [one]
        if _ABSOLUTE.match(one):
            readings.append(one.replace("\\", "/").rpartition("/")[2])
        for reading in readings:
            if reading and reading not in seen:
                seen.add(reading)
                yield reading


def _plain(name: str) -> str:
    r"""A name without what file systems and tools change: case, composed letters, "\\", "%20"."""
    return unicodedata.normalize("NFC", unquote(name).replace("\\", "/")).casefold()


class PictureNames:
    """A data set's pictures, asked for by name."""

    def __init__(self, names: Mapping[int, str]) -> None:
        """Take names by picture id; empty ones are nobody's."""
        self._by_file: dict[str, list[tuple[int, str]]] = {}
        self._by_core: dict[str, list[tuple[int, str]]] = {}
        for number, name in names.items():
            if name:
                path = _plain(name)
                self._by_file.setdefault(_base(path), []).append((number, path))
                self._by_core.setdefault(_core(path), []).append((number, path))

    def find(self, name: str) -> list[int]:
        """The ids of the pictures that a name may mean: none, one, or several alike.

        A whole path counts more than a file's name, and that more than a name whose ending,
        Roboflow's or Label Studio's additions differ.
        """
        path = _plain(name)
        files = self._by_file.get(_base(path), [])
        same = [number for number, other in files if other == path]
        if same or files:
            return same or [number for number, other in files if _one_in_the_other(path, other)]
        alike = self._by_core.get(_core(path)) or self._by_core.get(_base(path), [])
        return [number for number, _ in alike]


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _one_in_the_other(a: str, b: str) -> bool:
    """Whether one path is the end of the other: both may mean the same file."""
    a, b = a.removeprefix("./"), b.removeprefix("./")
    return ("/" + a.lstrip("/")).endswith("/" + b) or ("/" + b.lstrip("/")).endswith("/" + a)


def _core(path: str) -> str:
    """A file's name without its ending and without what labelling tools add."""
    base = _base(path)
    stem, dot, ending = base.rpartition(".")
    core = stem if dot and len(ending) <= 4 and ending.isalnum() else base
    if found := _ROBOFLOW.match(core):
        core = found.group(1)
    if found := _LABEL_STUDIO.match(core):
        core = found.group(1)
    return core
