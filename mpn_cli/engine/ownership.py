"""Which files of OUT are mpn's own: nothing else is ever replaced or deleted.

``run.json``, and ``parts/results.json`` before it is there, hold the SHA-256 of every result file
that mpn wrote, so that a file which somebody put there or corrected by hand is told apart. Overlays
carry a checksum of their own (:mod:`mpn_cli.results.signed_jpeg`).
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from mpn_cli.base.errors import InputError
from mpn_cli.base.files import UNFINISHED, file_sha256, remove_unfinished
from mpn_cli.results.signed_jpeg import is_signed
from mpn_cli.results.signed_video import is_signed_video
from mpn_cli.sources.remote import is_remote
from mpn_cli.sources.results_folders import OVERLAYS, PARTS
from mpn_cli.sources.tasks import Task

RUN_FILE = "run.json"
JOB_FILE = "job.json"
MANIFEST = "results.json"
"""In ``parts/``: the hashes of the result files that are about to be published."""
LOCK_FILE = ".mpn-lock"
INPUTS_FILE = ".mpn-inputs"
"""What the results were made of, for a later run with more pictures."""
RESULT_FILES = ("predictions.json", "dataset.json", "skipped.jsonl", RUN_FILE)

_Content = TypeVar("_Content")
_Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]

_PART_NAMES = re.compile(
    r"\d{8}\.jsonl|\d{12}\.nut|results\.json|predictions\.json|dataset\.json|\.[\w-]+\.lock"
    rf"|{UNFINISHED.pattern}"
)
"""Names of mpn's files in ``parts/``, except job.json, which is removed last."""


class JobMark(msgspec.Struct, frozen=True):
    """What any version of mpn says of a job in job.json and run.json."""

    hash: _Sha256
    version: str
    pictures: int


class _RunMark(msgspec.Struct):
    job: JobMark
    files: dict[str, str] = {}


def read_run_mark(out: Path) -> _RunMark | None:
    """What run.json says, if mpn wrote it."""
    return decoded(out / RUN_FILE, _RunMark)


def read_job_mark(out: Path) -> JobMark | None:
    """What ``parts/job.json`` says, if mpn wrote it."""
    return decoded(out / PARTS / JOB_FILE, JobMark)


def decoded(file: Path, kind: type[_Content]) -> _Content | None:
    """A JSON file's content; None if it is not there, or is something else."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError):
        return None


def refuse_strangers(out: Path) -> None:
    """Raise InputError where something in OUT has a name of mpn's and is not mpn's."""
    run, job = read_run_mark(out), read_job_mark(out)
    published = decoded(out / PARTS / MANIFEST, dict[str, str]) or {}
    for name in (*RESULT_FILES, INPUTS_FILE):
        file = out / name
        if not os.path.lexists(file):
            continue
        mine = not file.is_symlink() and file.is_file()
        if mine and name == RUN_FILE:
            mine = run is not None
        elif mine:
            known = {published.get(name), run.files.get(name) if run else None}
            mine = file_sha256(file) in known
        if not mine:
            raise _stranger(file, "did not write, or which was changed since")
    for name in (PARTS, OVERLAYS):
        folder = out / name
        empty = not os.path.lexists(folder)
        if not empty and folder.is_dir():
            empty = (run or job) is not None or not any(folder.iterdir())
        if not empty:
            raise _stranger(folder, "did not make")
    lock = out / LOCK_FILE
    if os.path.lexists(lock) and (lock.is_symlink() or not lock.is_file() or lock.stat().st_size):
        raise _stranger(lock, "did not make")


def _stranger(file: Path, what: str) -> InputError:
    return InputError(f"{file} is there already, which mpn {what}. Give another --out.")


def refuse_sources(out: Path, sources: Iterable[str]) -> None:
    """Raise InputError where OUT is a source folder, or a result would replace a source."""
    place = os.path.realpath(out)
    results = {os.path.join(place, name) for name in RESULT_FILES}
    for source in sources:
        if is_remote(source) or not os.path.exists(source):
            continue
        where = os.path.realpath(source)
        if where == place:
            raise InputError(
                f"--out {out} is the source folder itself. Give another --out: a folder inside it"
                " will do."
            )
        if where in results:
            raise InputError(f"--out {out}: results would replace {source}. Give another --out.")


def refuse_pictures(out: Path, tasks: Sequence[Task]) -> None:
    """Raise InputError where pictures lie in a folder that mpn writes to and deletes from."""
    place = os.path.realpath(out)
    kept = tuple(os.path.join(place, name) + os.sep for name in (PARTS, OVERLAYS))
    if not os.path.isdir(place):
        return
    real = lru_cache(maxsize=1 << 16)(os.path.realpath)
    for task in tasks:
        if is_remote(task.path):
            continue
        if f"{real(os.path.dirname(task.path))}{os.sep}".startswith(kept):
            raise InputError(
                f"{task.path} lies in a folder that --out {out} writes to. Give another --out."
            )


def clear_results(out: Path) -> None:
    """Remove all that mpn wrote; what says that it was mpn's goes last."""
    clear_overlays(out)
    for name in (*RESULT_FILES[:-1], INPUTS_FILE):
        (out / name).unlink(missing_ok=True)
    clear_parts(out)
    (out / RUN_FILE).unlink(missing_ok=True)


def clear_parts(out: Path) -> None:
    """Remove mpn's files in ``parts/``, and the folder unless something else is in it."""
    parts = out / PARTS
    if not parts.is_dir():
        return
    for file in parts.iterdir():
        if _PART_NAMES.fullmatch(file.name) and not file.is_dir():
            file.unlink()
    (parts / JOB_FILE).unlink(missing_ok=True)
    _remove_empty(parts)


def clear_overlays(out: Path) -> None:
    """Remove mpn's overlays, and folders that are empty then."""
    for folder, _, files in os.walk(out / OVERLAYS, topdown=False):
        for name in files:
            file = Path(folder, name)
            if UNFINISHED.fullmatch(name) or is_signed(file) or is_signed_video(file):
                file.unlink()
        _remove_empty(Path(folder))


def clear_leftovers(out: Path) -> None:
    """Remove temporary files of a run that was killed."""
    remove_unfinished(out)
    remove_unfinished(out / PARTS)
    for folder, _, _ in os.walk(out / OVERLAYS):
        remove_unfinished(Path(folder))


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):  # somebody's own files are in it, or it is a link
        folder.rmdir()
