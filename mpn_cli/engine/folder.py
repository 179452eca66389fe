"""The output folder: a job's parts while it runs, its results at the end."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from mpn_cli.base.errors import InputError
from mpn_cli.base.files import file_sha256, move_into_place, write_file
from mpn_cli.base.recipe import Recipe
from mpn_cli.base.skeletons import Skeleton
from mpn_cli.base.text import to_json
from mpn_cli.base.version import __version__
from mpn_cli.engine.job import Job, what_decides
from mpn_cli.engine.lock import locked_folder
from mpn_cli.engine.overlays import overlay_style
from mpn_cli.engine.ownership import (
    INPUTS_FILE,
    JOB_FILE,
    LOCK_FILE,
    MANIFEST,
    RESULT_FILES,
    RUN_FILE,
    JobMark,
    clear_leftovers,
    clear_parts,
    clear_results,
    decoded,
    read_run_mark,
    refuse_strangers,
)
from mpn_cli.engine.parts import part_pictures, read_part
from mpn_cli.engine.reuse import (
    Known,
    companions_matter,
    inputs_of,
    known_inputs,
    restore_parts,
    reuse_shards,
)
from mpn_cli.formats.files import read_json
from mpn_cli.results.coco_writer import write_dataset, write_predictions
from mpn_cli.results.poses import AnnotatedPicture
from mpn_cli.results.run_record import Option, RunRecord
from mpn_cli.sources.results_folders import OVERLAYS, PARTS
from mpn_cli.sources.tasks import Skipped
from mpn_cli.tracking.tracks import tracked

__all__ = ["OVERLAYS", "PARTS", "JobRecord", "OutFolder", "writing"]


class JobRecord(JobMark, frozen=True):
    """Identifies a job; stored in parts/job.json and in run.json."""

    shard_size: int
    recipe: Recipe

    @classmethod
    def of(cls, job: Job) -> JobRecord:
        """The record of a job."""
        return cls(job.hash, __version__, len(job.tasks), job.shard_size, job.recipe)


class _FinishedRun(msgspec.Struct):
    job: JobRecord
    overlays: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """What remains to be done in a folder."""

    job: Job
    done: bool
    """Whether the job is complete, so that nothing remains."""
    known: int = 0
    """Number of pictures whose results are reused from a finished job with fewer pictures."""


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
        self._lock = locked_folder(path)

    def __enter__(self) -> OutFolder:
        """Make and lock the folder.

        Raises InputError where that can't be done, and where the folder holds files of somebody
        else under names that mpn uses.
        """
        if self.path.is_dir() and not os.path.lexists(self.path / LOCK_FILE):
            refuse_strangers(self.path)  # before anything is written, the lock included
        self._lock.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Unlock."""
        self._lock.__exit__(kind, error, trace)

    def claim(self, job: Job, *, resume: bool, keep_parts: bool = False) -> Claim:
        """Make the folder this job's.

        A job that is under way keeps the shard size that it was started with. Of a finished job
        to which pictures were added the results are reused. Without ``resume`` whatever an
        earlier run of mpn left is removed. Raises InputError where the folder holds another job,
        or files that mpn did not write.
        """
        found = self._found() if resume else None
        known: Known = {}
        if found is not None and found.hash != job.hash:
            known, why_not = self._reusable(job, found)
            if not known:
                raise InputError(
                    f"{self.path}/ holds another job ({why_not})."
                    " Give another --out, or --no-resume to do all of it again."
                )
        elif found is not None and self._is_whole():
            if not keep_parts:  # a kill may have hit the run while it removed them
                with writing(self.path):
                    clear_parts(self.path)
            return Claim(job, done=True)
        refuse_strangers(self.path)
        with writing(self.path):
            if not resume:
                clear_results(self.path)
            if isinstance(found, JobRecord) and found.hash == job.hash:
                job = replace(job, shard_size=found.shard_size)
            self._open_parts(job)
            if known:
                reuse_shards(job, known, self.path, self.parts)
        return Claim(job, done=False, known=len(known))

    def _open_parts(self, job: Job) -> None:
        self.parts.mkdir(exist_ok=True)
        write_file(self.parts / JOB_FILE, to_json(JobRecord.of(job)))
        clear_leftovers(self.path)

    def _found(self) -> JobMark | None:
        """The job that is finished here, else the one under way, with a shard done."""
        if self._is_whole():
            file = self.path / RUN_FILE
            run = decoded(file, _FinishedRun) or read_run_mark(self.path)
            return run.job if run else None
        if any(self.parts.glob("[0-9]*.jsonl")):
            file = self.parts / JOB_FILE
            return decoded(file, JobRecord) or decoded(file, JobMark)
        return None

    def _is_whole(self) -> bool:
        """Whether all results of a finished job are there."""
        there = all((self.path / name).is_file() for name in RESULT_FILES)
        return there and read_run_mark(self.path) is not None

    def _reusable(self, job: Job, found: JobMark) -> tuple[Known, str]:
        """The pictures of a finished job if all are among those of ``job``, else why not."""
        record = JobRecord.of(job)
        if found.version != record.version:
            return {}, f"made by mpn {found.version}, this is {record.version}"
        if not isinstance(found, JobRecord):
            return {}, "made by another build of mpn"
        # Tracks are made of finished poses: they don't stand in the way of using those again.
        whole = self._is_whole()
        theirs = found.recipe
        if whole:
            theirs = msgspec.structs.replace(theirs, track=job.recipe.track)
        difference = _difference(theirs, record.recipe)
        if difference:
            return {}, difference
        try:
            if companions_matter(job.recipe) or not whole:
                raise ValueError
            known = known_inputs((self.path / INPUTS_FILE).read_bytes())
        except (OSError, ValueError):
            if found.pictures != record.pictures:
                return {}, f"{found.pictures} pictures, not {record.pictures}"
            return {}, "other pictures, or pictures that changed since"
        gone = len(known.keys() - {digest.tobytes() for digest in job.inputs})
        if gone:
            return {}, f"{gone} of its {len(known)} pictures changed since, or are not among these"
        return known, ""

    def finished(self, job: Job) -> int:
        """How many complete shards of this job there are."""
        return sum(read_part(self.parts, job.hash, n) is not None for n in range(job.shards))

    def _pictures(self, job: Job) -> Iterator[AnnotatedPicture]:
        for number in range(job.shards):
            yield from part_pictures(self.parts, number)

    def _tracked_pictures(self, job: Job, skeleton: Skeleton) -> Iterator[AnnotatedPicture]:
        pictures = self._pictures(job)
        return tracked(pictures, skeleton, job.recipe.pose_thr) if job.recipe.track else pictures

    def merge(
        self,
        job: Job,
        skipped: list[Skipped],
        skeleton: Skeleton,
        run: RunRecord[JobRecord],
        *,
        keep_parts: bool,
    ) -> RunRecord[JobRecord]:
        """Write the results from all parts, in order, as a stream; run.json comes last.

        Returns ``run`` with the hashes of the files. Raises InputError where they can't be written,
        or somebody else's are in their place.
        """
        recipe = job.recipe
        info = {
            "description": "Poses found by mpn",
            "version": __version__,
            "model": recipe.model,
            "weights_sha256": recipe.weights_sha256,
        }
        lines = b"".join(msgspec.json.encode(one) + b"\n" for one in skipped)
        predictions, dataset = self.parts / "predictions.json", self.parts / "dataset.json"
        with writing(self.path):
            write_predictions(predictions, self._tracked_pictures(job, skeleton))
            write_dataset(
                dataset,
                self._pictures(job),
                self._tracked_pictures(job, skeleton),
                skeleton,
                recipe.kpt_thr,
                recipe.pose_thr,
                info,
            )
            small = {"skipped.jsonl": lines, INPUTS_FILE: inputs_of(job)}
            hashes = {file.name: file_sha256(file) for file in (predictions, dataset)}
            hashes |= {name: hashlib.sha256(content).hexdigest() for name, content in small.items()}
            refuse_strangers(self.path)  # a job takes long enough for somebody to put files there
            write_file(self.parts / MANIFEST, msgspec.json.encode(hashes))
            for file in (predictions, dataset):
                move_into_place(file, self.path / file.name)
            for name, content in small.items():
                write_file(self.path / name, content)
            run = msgspec.structs.replace(run, files=hashes)
            self._write_run(run)
            if not keep_parts:
                clear_parts(self.path)
        return run

    def _write_run(self, record: RunRecord[Any]) -> None:
        content = msgspec.json.format(to_json(record), indent=1)
        write_file(self.path / RUN_FILE, content + b"\n")

    def run_record(self) -> RunRecord[Any]:
        """run.json of a finished job, which may be of an earlier version. Raises InputError."""
        return read_json(self.path / RUN_FILE, RunRecord[Any], "what mpn annotate writes")

    def open_for_drawing(self, job: Job) -> tuple[Job, str] | None:
        """Make parts of a finished job whose overlays lack something; None if they don't.

        Returns the job with its shard size, and the hash that these parts carry: they hold the
        poses only, and never count as a job's own. Raises InputError where the results were
        changed since mpn wrote them.
        """
        run = decoded(self.path / RUN_FILE, _FinishedRun)
        wanted = overlay_style(job.recipe)
        if run is None or wanted in ("", run.overlays):
            return None
        refuse_strangers(self.path)
        job = replace(job, shard_size=run.job.shard_size)
        mark = f"{job.hash}, drawing"
        with writing(self.path):
            self._open_parts(job)
            restore_parts(job, mark, self.path, self.parts)
        return job, mark

    def note_drawn(self, job: Job, options: dict[str, Option]) -> None:
        """Note in run.json what overlays show now, and remove the parts made for drawing."""
        record = self.run_record()
        record = msgspec.structs.replace(
            record, overlays=overlay_style(job.recipe), options=record.options | options
        )
        with writing(self.path):
            self._write_run(record)
            clear_parts(self.path)


def _difference(found: Recipe, wanted: Recipe) -> str:
    """The first thing in which two recipes differ, for a message; "" if in nothing."""
    found, wanted = what_decides(found), what_decides(wanted)
    for name in Recipe.__struct_fields__:
        theirs, ours = getattr(found, name), getattr(wanted, name)
        if theirs != ours:
            return f"{name.replace('_', ' ')} {theirs}, not {ours}"
    return ""
