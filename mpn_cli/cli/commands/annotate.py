"""``mpn annotate``: pictures or detections -> COCO keypoint files."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import Any

import msgspec

from mpn_cli.base.devices import CPU, find_devices
from mpn_cli.base.errors import ExitCode, InputError
from mpn_cli.base.skeletons import SKELETONS
from mpn_cli.cli import console
from mpn_cli.cli.annotating.plan import show_plan
from mpn_cli.cli.annotating.record import make_record, named_options
from mpn_cli.cli.annotating.summary import show_summary
from mpn_cli.cli.commands.stopping import stoppable
from mpn_cli.detectors.registry import prepare_detector
from mpn_cli.engine.folder import OutFolder, writing
from mpn_cli.engine.job import Job, usual_shard_size, without_overlays
from mpn_cli.engine.ledger import Totals
from mpn_cli.engine.local import draw_missing, run_shards
from mpn_cli.engine.overlays import join_overlay_videos, overlay_style
from mpn_cli.engine.ownership import refuse_pictures, refuse_sources
from mpn_cli.networks.openvino_cache import cache_problem
from mpn_cli.networks.sources import prepare_estimator
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.layers import Resolved, resolve
from mpn_cli.options.recipes import idle_options, make_recipe
from mpn_cli.sources.gather import gather
from mpn_cli.sources.tasks import FrameTask, Gathered, Task
from mpn_cli.sources.videos import choice_of_frames

STOPPING = "stopping after the shards in hand; once more stops at once"


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
    recipe = make_recipe(
        resolved, labelled=labelled, boxed=all(task.boxes is not None for task in tasks)
    )
    job = Job(tasks, recipe, settings.shard_size or usual_shard_size(len(tasks), recipe.device))
    find_devices(settings.device)
    if not quiet:
        videos = gathered.videos > 0
        for note in idle_options(resolved, recipe, labelled=labelled, videos=videos):
            console.print_note(note)
        if not gathered.videos and (sources.start, sources.end) != ("0", None):
            console.print_note("--from and --to do nothing here: there is no video")
    if dry_run:
        show_plan(job, settings, gathered, as_json=as_json)
        return ExitCode.DONE
    with OutFolder(settings.out) as out:
        claim = out.claim(job, resume=settings.resume, keep_parts=settings.keep_parts)
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
            record = make_record(resolved, job, gathered, totals, before, folder, seconds)
            skipped = gathered.skipped + totals.skipped
            skeleton = SKELETONS[recipe.joints]
            record = out.merge(job, skipped, skeleton, record, keep_parts=settings.keep_parts)
            if recipe.track and recipe.overlay:  # the merge alone knows who is who
                if not _add_overlays(claim.job, resolved, out, quiet=quiet):
                    return ExitCode.STOPPED
                record = out.run_record()
    if as_json:
        console.print_json({"out": str(settings.out), **msgspec.structs.asdict(record)})
    elif not quiet:
        show_summary(record, recipe.pose_thr, str(settings.out))
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
        console.progress("annotate", len(job.tasks), quiet=quiet) as advance,
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
        console.progress("overlays", len(job.tasks), quiet=quiet) as advance,
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
    options = named_options(resolved, resolved.as_json())
    names = ("overlay", "overlay_boxes", "overlay_scores")
    out.note_drawn(job, {name: options[name] for name in names})
    return True
