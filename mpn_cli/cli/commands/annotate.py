"""``mpn annotate``: pictures or detections -> COCO keypoint files."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import Any

import msgspec

from mpn_cli.base.devices import CPU, find_devices
from mpn_cli.base.errors import ExitCode, InputError
from mpn_cli.base.skeletons import SKELETONS
from mpn_cli.base.version import __version__
from mpn_cli.cli import console
from mpn_cli.cli.commands.stopping import stoppable
from mpn_cli.detectors.registry import prepare_detector
from mpn_cli.engine.crew import cores
from mpn_cli.engine.folder import JobRecord, OutFolder, writing
from mpn_cli.engine.forecast import seconds_expected, worker_count
from mpn_cli.engine.job import Job, usual_shard_size, without_overlays
from mpn_cli.engine.ledger import Totals
from mpn_cli.engine.local import draw_missing, run_shards
from mpn_cli.engine.overlays import join_overlay_videos, overlay_style
from mpn_cli.engine.ownership import refuse_pictures, refuse_sources
from mpn_cli.networks.openvino_cache import cache_problem
from mpn_cli.networks.sources import prepare_estimator
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.layers import Resolved, resolve
from mpn_cli.options.recipes import effective_options, idle_options, make_recipe
from mpn_cli.results.run_record import Machine, Option, RunCounts, RunRecord
from mpn_cli.sources.gather import gather
from mpn_cli.sources.kinds import hints, in_words
from mpn_cli.sources.tasks import FrameTask, Gathered, Task
from mpn_cli.sources.videos import choice_of_frames

STOPPING = "stopping after the shards in hand; once more stops at once"

LIBRARIES = {
    "torch": "torch",
    "openvino": "openvino",
    "numpy": "numpy",
    "opencv-python-headless": "cv2",
    "numba": "numba",
    "av": "av",
    "pycocotools": "pycocotools",
}
"""Distributions that run.json names, and what they are imported as."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where pictures and boxes come from in this run."""

    sources: Sequence[str]
    images: str | None
    image_info: str | None
    boxes: str | None
    person_category: str | None
    limit: int | None
    start: str = "0"
    end: str | None = None
    """The range of videos, as typed."""

    def gather(self, out: Path, every: int | None, fps: float | None) -> Gathered:
        """All tasks, none of them in ``out``; of videos each so many frames, or so many a second.

        Raises InputError.
        """
        coco_files = [file for file in (self.image_info, self.boxes) if file is not None]
        refuse_sources(out, (*self.sources, *coco_files))
        gathered = gather(
            self.sources,
            self.images,
            self.image_info,
            self.boxes,
            self.person_category,
            str(out),
            choice_of_frames(every, fps, self.start, self.end),
        )
        refuse_pictures(out, gathered.tasks)
        return gathered


def annotate(
    sources: Sources, options: Mapping[str, Any], *, dry_run: bool, quiet: bool, as_json: bool
) -> ExitCode:
    """Run the command. Raises InputError and PluginError for what can't be done."""
    started, folder = time.monotonic(), os.getcwd()
    resolved = resolve(AnnotateOptions, options)
    settings = resolved.settings
    if resolved.from_files() and not quiet:
        console.print_note(f"settings of this folder: {', '.join(resolved.from_files())}")
    gathered = sources.gather(settings.out, settings.every, settings.fps)
    tasks = gathered.tasks[: sources.limit]
    labelled = any(task.labelled for task in tasks)
    if settings.track:
        _check_tracking(tasks, quiet=quiet)
    recipe = make_recipe(resolved, labelled, all(task.boxes is not None for task in tasks))
    job = Job(tasks, recipe, settings.shard_size or usual_shard_size(len(tasks), recipe.device))
    find_devices(settings.device)
    if not quiet:
        for note in idle_options(resolved, recipe, labelled, gathered.videos > 0):
            console.print_note(note)
        if not gathered.videos and (sources.start, sources.end) != ("0", None):
            console.print_note("--from and --to do nothing here: there is no video")
    if dry_run:
        return _say_plan(job, settings, gathered, as_json=as_json)
    with OutFolder(settings.out) as out:
        claim = out.claim(job, settings.resume, settings.keep_parts)
        if claim.done:
            if not _add_overlays(job, resolved, out, quiet=quiet):
                return ExitCode.STOPPED
            record = out.run_record()
            if not quiet:
                console.print_note(f"{out.path}/ is complete already; --no-resume does it again")
        else:
            job = claim.job if not recipe.track else without_overlays(claim.job)
            if claim.known and not quiet:
                console.print_note(
                    f"{out.path}/ holds {claim.known} of these {len(job.tasks)} pictures: shards"
                    " without a new one are taken from there; image ids count anew"
                )
            if settings.cluster is None and settings.device == CPU:
                prepare_estimator(recipe)
                prepare_detector(recipe.detector, recipe.detector_setup)
                problem = cache_problem()
                if problem and not quiet:
                    console.print_note(problem)
            totals, before = _run(job, settings, out, quiet=quiet)
            if totals is None or not _draw(job, job.hash, settings.workers, out, quiet=quiet):
                done = out.finished(job)
                console.print_note(
                    f"stopped; {done} of {job.shards} shards are done and kept in {out.path}/."
                    " The same command goes on from there."
                )
                return ExitCode.STOPPED
            seconds = time.monotonic() - started
            record = _record(resolved, job, gathered, totals, before, folder, seconds)
            skipped = gathered.skipped + totals.skipped
            skeleton = SKELETONS[recipe.joints]
            record = out.merge(job, skipped, skeleton, record, settings.keep_parts)
            if recipe.track and recipe.overlay:  # the merge alone knows who is who
                if not _add_overlays(claim.job, resolved, out, quiet=quiet):
                    return ExitCode.STOPPED
                record = out.run_record()
    if as_json:
        console.print_json({"out": str(settings.out), **msgspec.structs.asdict(record)})
    elif not quiet:
        _show_summary(record, recipe.pose_thr, str(settings.out))
    return ExitCode.SKIPPED if record.counts.skipped else ExitCode.DONE


def _check_tracking(tasks: Sequence[Task], *, quiet: bool) -> None:
    """Raise InputError where nobody can be tracked."""
    still = sum(not isinstance(task, FrameTask) for task in tasks)
    if still == len(tasks):
        raise InputError(
            "--track follows people from frame to frame, and there is no video among the sources"
        )
    if find_spec("scipy") is None:
        raise InputError("--track needs scipy; pip install 'mobileposenet[track]'")
    if still and not quiet:
        console.print_note(
            f"--track: people in {still} pictures that are no frames get no track_id"
        )


def _run(
    job: Job, settings: AnnotateOptions, out: OutFolder, *, quiet: bool
) -> tuple[Totals | None, dict[str, int]]:
    """The sums of all shards, None if it was stopped; and how much was there before this run."""
    stop = Event()
    before: dict[str, int] = {}
    with (
        console.progress("annotate", len(job.tasks), quiet) as advance,
        stoppable(stop.set, STOPPING),
    ):
        start: tuple[int, float] | None = None  # what an earlier run did is not this run's speed

        def report(totals: Totals) -> None:
            nonlocal start
            counts = totals.counts
            now = time.monotonic()
            if start is None:
                before.update(pictures=counts.pictures, people=counts.people)
            start = start or (counts.people, now)
            people, since = start
            detail = f"{counts.people} people"
            if now > since:
                detail += f" ({(counts.people - people) / (now - since):.0f}/s)"
            if totals.skipped:
                detail += f", {len(totals.skipped)} skipped"
            advance(counts.pictures + len(totals.skipped), detail)

        if settings.cluster is None:
            devices = find_devices(settings.device)
            return run_shards(job, out, settings.workers, stop, report, devices), before
        if settings.device != CPU:
            raise InputError("--cluster and --device: a cluster's workers use their cores")
        if find_spec("distributed") is None:
            raise InputError(
                "--cluster needs dask's distributed; pip install 'mobileposenet[cluster]'"
            )
        from mpn_cli.engine.cluster import run_on_cluster

        return run_on_cluster(
            job, out, settings.cluster, settings.workers, stop, report, console.print_note
        ), before


def _draw(job: Job, mark: str, workers: int | None, out: OutFolder, *, quiet: bool) -> bool:
    """Draw overlays that are wanted and not there; False if it was stopped."""
    if not overlay_style(job.recipe):
        return True
    stop = Event()
    with (
        console.progress("overlays", len(job.tasks), quiet) as advance,
        stoppable(stop.set, STOPPING),
    ):
        if not draw_missing(job, out, mark, workers, stop, lambda drawn: advance(drawn, "")):
            return False
    with writing(out.path):
        join_overlay_videos(out.path, job.tasks)
    return True


def _add_overlays(
    job: Job, resolved: Resolved[AnnotateOptions], out: OutFolder, *, quiet: bool
) -> bool:
    """Draw what a finished job's overlays lack; False if it was stopped."""
    opened = out.open_for_drawing(job)
    if opened is None:
        return True
    if not _draw(*opened, resolved.settings.workers, out, quiet=quiet):
        console.print_note("stopped while drawing; the same command goes on from there.")
        return False
    options = _options(resolved, resolved.as_json())
    names = ("overlay", "overlay_boxes", "overlay_scores")
    out.note_drawn(job, {name: options[name] for name in names})
    return True


def _record(
    resolved: Resolved[AnnotateOptions],
    job: Job,
    gathered: Gathered,
    totals: Totals,
    before: dict[str, int],
    folder: str,
    wall: float,
) -> RunRecord[JobRecord]:
    """What run.json says, but for the files' hashes; before: what earlier runs had done of it."""
    counts = totals.counts
    settings = effective_options(resolved, job.recipe, any(t.labelled for t in job.tasks))
    settings["shard_size"] = job.shard_size
    return RunRecord(
        job=JobRecord.of(job),
        overlays=overlay_style(job.recipe),
        command=sys.argv,
        folder=folder,
        picture_folders=_folders(gathered),
        options=_options(resolved, settings),
        versions={
            "mpn": __version__,
            "python": platform.python_version(),
            **{library: version(library) for library in LIBRARIES if find_spec(LIBRARIES[library])},
        },
        counts=RunCounts(
            pictures=counts.pictures,
            people=counts.people,
            kept_out=counts.kept_out,
            skipped=len(gathered.skipped) + len(totals.skipped),
            videos=gathered.videos,
            reused=counts.reused,
            full_image=counts.full_image,
            other_size=counts.other_size,
            before_this_run=before,
            boxes_left_out=dict(gathered.left_out + Counter(counts.boxes_left_out)),
            other_files=dict(sorted(gathered.other_files.items())),
        ),
        seconds={
            **{name: round(value, 3) for name, value in counts.seconds.items()},
            "wall": round(wall, 3),
        },
        machine=Machine(platform.node(), platform.platform(), platform.machine(), cores()),
    )


def _options(resolved: Resolved[AnnotateOptions], settings: dict[str, Any]) -> dict[str, Option]:
    """Every option's value and where it came from."""
    return {name: Option(value, resolved.origins[name]) for name, value in settings.items()}


def _folders(gathered: Gathered) -> list[str]:
    """Where the pictures are: what stands before their names."""
    return sorted({task.folder for task in gathered.tasks})


def _show_summary(record: RunRecord[Any], pose_thr: float, out: str) -> None:
    counts, seconds = record.counts, dict(record.seconds)
    wall = seconds.pop("wall", 0.0)
    table = console.make_table("Done", ("", "", ""), numbers_from=3)
    table.show_header = False
    for name, count in (("pictures", counts.pictures), ("people", counts.people)):
        new = count - counts.before_this_run.get(name, 0)
        rate = f"{new / wall:.1f}/s" if wall else ""
        old = f", {count - new} done before" if new < count else ""
        table.add_row(name, str(count), rate + old)
    if counts.videos:
        table.add_row("videos", str(counts.videos), "whose frames are the pictures")
    if counts.kept_out:
        table.add_row(
            "kept out",
            str(counts.kept_out),
            f"score under {pose_thr:g} (--pose-thr): only in predictions.json",
        )
    reasons = ", ".join(f"{n} {why}" for why, n in counts.boxes_left_out.items())
    if reasons:
        table.add_row("boxes left out", str(sum(counts.boxes_left_out.values())), reasons)
    if counts.skipped:
        table.add_row("skipped", str(counts.skipped), "reasons in skipped.jsonl")
    if counts.full_image:
        table.add_row(
            "full image",
            str(counts.full_image),
            "no boxes given: one person is taken to fill each picture",
        )
    others = counts.other_files
    if others:
        described = "; ".join([in_words(others), *hints(others)])
        table.add_row("other files", str(sum(others.values())), described)
    if counts.other_size:
        table.add_row(
            "other size",
            str(counts.other_size),
            "not as large as the file with their boxes says: boxes may be misplaced",
        )
    stages = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
    table.add_row("seconds", f"{wall:.1f}", stages)
    table.add_row("files", "", f"{out}/predictions.json, dataset.json, run.json")
    console.print_table(table)


def _say_plan(
    job: Job, settings: AnnotateOptions, gathered: Gathered, *, as_json: bool
) -> ExitCode:
    """``--dry-run``: what would be done, and how long it may take."""
    devices = find_devices(settings.device)
    if devices == (CPU,):
        prepare_estimator(job.recipe)
        prepare_detector(job.recipe.detector, job.recipe.detector_setup)
    workers = worker_count(job, settings.workers, devices)
    seconds = seconds_expected(job, workers, devices)
    boxes = sum(len(task.boxes) for task in job.tasks if task.boxes is not None)
    plan = {
        "pictures": len(job.tasks),
        "videos": gathered.videos,
        "boxes": boxes,
        "shards": job.shards,
        "skipped": len(gathered.skipped),
        "other_files": dict(sorted(gathered.other_files.items())),
        "nms": job.recipe.nms,
        "detector": job.recipe.detector or "boxes are given",
        "runtime": job.recipe.runtime,
        "workers": workers,
        "seconds_expected": None if seconds is None else round(seconds, 1),
    }
    if as_json:
        console.print_json(plan)
    else:
        table = console.make_table("Would do", ("", ""))
        table.show_header = False
        for name, value in plan.items():
            shown = in_words(value) or "none" if isinstance(value, dict) else str(value)
            if value is None:
                shown = "unknown: a picture of the sample ends its worker"
            table.add_row(name.replace("_", " "), shown)
        console.print_table(table)
    return ExitCode.DONE
