"""OUT: one job's parts while it runs, its results at the end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import filelock
import msgspec

from mpn_cli.engine.job import Job
from mpn_cli.engine.parts import part_pictures, read_part, replace_file
from mpn_cli.errors import InputError
from mpn_cli.pipeline.recipe import Recipe
from mpn_cli.results.coco_writer import write_dataset, write_predictions
from mpn_cli.results.poses import AnnotatedPicture
from mpn_cli.skeletons import Skeleton
from mpn_cli.sources.tasks import Skipped
from mpn_cli.text import to_json
from mpn_cli.version import __version__

RUN_FILE = "run.json"
PARTS = "parts"
RESULT_FILES = ("predictions.json", "dataset.json", "skipped.jsonl", RUN_FILE)


class JobRecord(msgspec.Struct, frozen=True):
    """What tells a job apart; stands in parts/job.json and in run.json."""

    hash: str
    version: str
    pictures: int
    recipe: Recipe


class _FinishedRun(msgspec.Struct):
    job: JobRecord


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """A full or vanished disk becomes an InputError of one line; what is finished stays."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{out}/ can't be written: {error.strerror}."
            " What is finished is kept: the same command goes on from there."
        ) from None


class OutFolder:
    """A locked results folder; a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.parts = path / PARTS
        self._lock = filelock.FileLock(path / ".lock", blocking=False)

    def __enter__(self) -> OutFolder:
        """Make and lock the folder. Raises InputError where that can't be done."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except filelock.Timeout:
            raise InputError(f"{self.path}/ is in use by another run of mpn") from None
        except OSError as error:
            raise InputError(f"{self.path}/ can't be written: {error.strerror}") from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Unlock."""
        self._lock.release()

    def claim(self, job: Job, resume: bool) -> bool:
        """Make the folder this job's; True if the job is already done.

        Without ``resume`` whatever an earlier run of mpn left is removed. Raises InputError where
        the folder holds another job.
        """
        if not resume:
            self._clear()
        record = JobRecord(job.hash, __version__, len(job.tasks), job.recipe)
        found = self._found()
        if found is not None and found.hash != record.hash:
            raise InputError(
                f"{self.path}/ holds another job ({_difference(found, record)})."
                " Give another --out, or --no-resume to start over."
            )
        if found is not None and not self.parts.exists():
            return True
        with writing(self.path):
            self.parts.mkdir(exist_ok=True)
            replace_file(self.parts / "job.json", to_json(record))
            for leftover in self.parts.glob(".*.tmp"):
                leftover.unlink()
        return False

    def _found(self) -> JobRecord | None:
        """The job that is under way here, with a shard done, else the one finished here."""
        if any(self.parts.glob("[0-9]*.jsonl")):
            try:
                return msgspec.json.decode((self.parts / "job.json").read_bytes(), type=JobRecord)
            except (OSError, msgspec.DecodeError):
                pass
        try:
            run = msgspec.json.decode((self.path / RUN_FILE).read_bytes(), type=_FinishedRun)
        except (OSError, msgspec.DecodeError):
            return None
        whole = all((self.path / name).is_file() for name in RESULT_FILES)
        return run.job if whole else None

    def _clear(self) -> None:
        shutil.rmtree(self.parts, ignore_errors=True)
        shutil.rmtree(self.path / "overlays", ignore_errors=True)
        for name in RESULT_FILES:
            (self.path / name).unlink(missing_ok=True)

    def finished(self, job: Job) -> int:
        """How many shards are whole and of this job."""
        return sum(read_part(self.parts, job.hash, n) is not None for n in range(job.shards))

    def _pictures(self, job: Job) -> Iterator[AnnotatedPicture]:
        for number in range(job.shards):
            yield from part_pictures(self.parts, number)

    def merge(
        self,
        job: Job,
        skipped: list[Skipped],
        skeleton: Skeleton,
        run: dict[str, Any],
        keep_parts: bool,
    ) -> None:
        """Write the results from all parts, in order, as a stream; run.json comes last."""
        recipe = job.recipe
        info = {
            "description": "Poses found by mpn",
            "version": __version__,
            "model": recipe.model,
            "weights_sha256": recipe.weights_sha256,
        }
        record = JobRecord(job.hash, __version__, len(job.tasks), recipe)
        content = msgspec.json.format(to_json({"job": record, **run}), indent=1)
        lines = b"".join(msgspec.json.encode(one) + b"\n" for one in skipped)
        predictions, dataset = self.parts / "predictions.json", self.parts / "dataset.json"
        with writing(self.path):
            write_predictions(predictions, self._pictures(job))
            self._publish(predictions)
            write_dataset(
                dataset, self._pictures(job), self._pictures(job), skeleton, recipe.kpt_thr, info
            )
            self._publish(dataset)
            replace_file(self.path / "skipped.jsonl", lines)
            replace_file(self.path / RUN_FILE, content + b"\n")
            if not keep_parts:
                shutil.rmtree(self.parts)

    def _publish(self, written: Path) -> None:
        with written.open("rb") as file:
            os.fsync(file.fileno())
        written.replace(self.path / written.name)

    def run_record(self) -> dict[str, Any]:
        """run.json of a finished job."""
        record: dict[str, Any] = msgspec.json.decode((self.path / RUN_FILE).read_bytes())
        return record


def _difference(found: JobRecord, wanted: JobRecord) -> str:
    """The first thing in which two jobs differ, for a message."""
    if found.version != wanted.version:
        return f"made by mpn {found.version}, this is {wanted.version}"
    for name in Recipe.__struct_fields__:
        theirs, ours = getattr(found.recipe, name), getattr(wanted.recipe, name)
        if theirs != ours and name != "weights":
            return f"{name.replace('_', ' ')} {theirs}, not {ours}"
    if found.pictures != wanted.pictures:
        return f"{found.pictures} pictures, not {wanted.pictures}"
    return "other pictures, or pictures that changed since"
