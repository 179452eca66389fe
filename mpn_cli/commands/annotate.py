"""``mpn annotate``: pictures or detections -> COCO keypoint files."""

from __future__ import annotations

import os
import platform
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from threading import Event
from types import FrameType
from typing import Any

from mpn_cli import console
from mpn_cli.detectors.registry import prepare_detector
from mpn_cli.engine.crew import cores
from mpn_cli.engine.folder import OutFolder
from mpn_cli.engine.job import Job, usual_shard_size
from mpn_cli.engine.ledger import Totals
from mpn_cli.engine.local import run_shards
from mpn_cli.errors import ExitCode, InputError
from mpn_cli.estimators.loading import prepare_estimator
from mpn_cli.pipeline.devices import CPU, find_devices
from mpn_cli.pipeline.shard import Tools, annotate_shard
from mpn_cli.recipes import effective_options, make_recipe
from mpn_cli.settings import AnnotateSettings, Resolved, resolve
from mpn_cli.skeletons import SKELETONS
from mpn_cli.sources.gather import gather
from mpn_cli.sources.tasks import Gathered, Task
from mpn_cli.version import __version__

LIBRARIES = {
    "torch": "torch", "openvino": "openvino", "numpy": "numpy", "opencv-python-headless": "cv2",
    "numba": "numba", "pycocotools": "pycocotools",
}  # fmt: skip
"""Distributions that run.json names, and what they are imported as."""

SAMPLE_PICTURES = 8
"""Pictures measured by ``--dry-run``."""


def annotate(
    sources: Sequence[str],
    images: str | None,
    image_info: str | None,
    boxes: str | None,
    limit: int | None,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
    options: dict[str, Any],
    person_category: str | None = None,
) -> ExitCode:
    """Run the command. Raises InputError and PluginError for what can't be done."""
    started = time.monotonic()
    resolved = resolve(options)
    settings = resolved.settings
    gathered = gather(sources, images, image_info, boxes, person_category)
    tasks = gathered.tasks[:limit]
    recipe = make_recipe(
        resolved, any(t.labelled for t in tasks), all(t.boxes is not None for t in tasks)
    )
    job = Job(tasks, recipe, settings.shard_size or usual_shard_size(len(tasks), recipe.device))
    find_devices(settings.device)
    if dry_run:
        return _say_plan(job, settings.workers, gathered, as_json)
    with OutFolder(settings.out) as out:
        if out.claim(job, settings.resume):
            record = out.run_record()
            if not quiet:
                console.print_note(f"{out.path}/ is complete already; --no-resume does it again")
        else:
            if settings.cluster is None and settings.device == CPU:
                prepare_estimator(recipe)
                prepare_detector(recipe.detector, recipe.runtime)
            totals, before = _run(job, settings, out, quiet)
            if totals is None:
                done = out.finished(job)
                console.print_note(
                    f"stopped; {done} of {job.shards} shards are done and kept in {out.path}/."
                    " The same command goes on from there."
                )
                return ExitCode.STOPPED
            record = _record(resolved, job, gathered, totals, before, time.monotonic() - started)
            skipped = gathered.skipped + totals.skipped
            skeleton = SKELETONS[recipe.joints]
            out.merge(job, skipped, skeleton, record, settings.keep_parts)
    if as_json:
        console.print_json({"out": str(settings.out), **record})
    elif not quiet:
        _show_summary(record, str(settings.out))
    return ExitCode.SKIPPED if record["counts"]["skipped"] else ExitCode.DONE


def _run(
    job: Job, settings: AnnotateSettings, out: OutFolder, quiet: bool
) -> tuple[Totals | None, dict[str, int]]:
    """The sums of all shards, None if it was stopped; and how much was there before this run."""
    before: dict[str, int] = {}
    with console.progress("annotate", len(job.tasks), quiet) as advance, _stoppable() as stop:
        start: tuple[int, float] | None = None  # what an earlier run did is not this run's speed

        def report(totals: Totals) -> None:
            nonlocal start
            now = time.monotonic()
            if start is None:
                before.update(pictures=totals.pictures, people=totals.people)
            start = start or (totals.people, now)
            people, since = start
            detail = f"{totals.people} people"
            if now > since:
                detail += f" ({(totals.people - people) / (now - since):.0f}/s)"
            if totals.skipped:
                detail += f", {len(totals.skipped)} skipped"
            advance(totals.pictures + len(totals.skipped), detail)

        if settings.cluster is None:
            devices = find_devices(settings.device)
            return run_shards(job, out, settings.workers, stop, report, devices), before
        if settings.device != CPU:
            raise InputError("--cluster and --device: a cluster's workers use their cores")
        if find_spec("distributed") is None:
            raise InputError("--cluster needs dask's distributed; pip install 'mpn[cluster]'")
        from mpn_cli.engine.cluster import run_on_cluster

        return run_on_cluster(
            job, out, settings.cluster, settings.workers, stop, report, console.print_note
        ), before


@contextmanager
def _stoppable() -> Iterator[Event]:
    """Ctrl-C and SIGTERM set the event; a second one stops at once."""
    stop = Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        console.print_note("stopping after the shards in hand; once more stops at once")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _record(
    resolved: Resolved,
    job: Job,
    gathered: Gathered,
    totals: Totals,
    before: dict[str, int],
    wall: float,
) -> dict[str, Any]:
    """What run.json says beside the job; before: what earlier runs had done of it."""
    settings = effective_options(resolved, job.recipe, any(t.labelled for t in job.tasks))
    settings["shard_size"] = job.shard_size
    return {
        "command": sys.argv,
        "folder": os.getcwd(),
        "picture_folders": _folders(gathered),
        "options": {
            name: {"value": value, "from": resolved.origins[name]}
            for name, value in settings.items()
        },
        "versions": {
            "mpn": __version__,
            "python": platform.python_version(),
            **{library: version(library) for library in LIBRARIES if find_spec(LIBRARIES[library])},
        },
        "counts": {
            "pictures": totals.pictures,
            "people": totals.people,
            "skipped": len(gathered.skipped) + len(totals.skipped),
            "full_image": totals.full_image,
            "other_size": totals.other_size,
            "before_this_run": before,
            "boxes_left_out": dict(gathered.left_out + totals.boxes_left_out),
        },
        "seconds": {
            **{name: round(value, 3) for name, value in totals.seconds.items()},
            "wall": round(wall, 3),
        },
        "machine": {
            "host": platform.node(),
            "system": platform.platform(),
            "processor": platform.machine(),
            "cores": cores(),
        },
    }


def _folders(gathered: Gathered) -> list[str]:
    """Where the pictures are: what stands before their names."""
    return sorted({task.path.removesuffix(task.file_name) for task in gathered.tasks})


def _show_summary(record: dict[str, Any], out: str) -> None:
    counts, seconds = record["counts"], dict(record["seconds"])
    wall = seconds.pop("wall")
    table = console.make_table("Done", ("", "", ""), numbers_from=3)
    table.show_header = False
    for name in ("pictures", "people"):
        new = counts[name] - counts.get("before_this_run", {}).get(name, 0)
        rate = f"{new / wall:.1f}/s" if wall else ""
        old = f", {counts[name] - new} done before" if new < counts[name] else ""
        table.add_row(name, str(counts[name]), rate + old)
    reasons = ", ".join(f"{n} {why}" for why, n in counts["boxes_left_out"].items())
    if reasons:
        table.add_row("boxes left out", str(sum(counts["boxes_left_out"].values())), reasons)
    if counts["skipped"]:
        table.add_row("skipped", str(counts["skipped"]), "reasons in skipped.jsonl")
    if counts["full_image"]:
        table.add_row(
            "full image", str(counts["full_image"]),
            "no boxes given: one person is taken to fill each picture",
        )  # fmt: skip
    if counts.get("other_size"):
        table.add_row(
            "other size", str(counts["other_size"]),
            "not as large as the file with their boxes says: boxes may be misplaced",
        )  # fmt: skip
    stages = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
    table.add_row("seconds", f"{wall:.1f}", stages)
    table.add_row("files", "", f"{out}/predictions.json, dataset.json, run.json")
    console.stdout.print(table)


def _say_plan(job: Job, workers: int | None, gathered: Gathered, as_json: bool) -> ExitCode:
    """``--dry-run``: what would be done, and how long it may take."""
    step = max(1, len(job.tasks) // SAMPLE_PICTURES)
    sample: Sequence[Task] = job.tasks[::step][:SAMPLE_PICTURES]
    tools = Tools.load(job.recipe, threads=1)
    annotate_shard(sample[:1], tools)
    started = time.perf_counter()
    annotate_shard(sample, tools)
    each = (time.perf_counter() - started) / len(sample)
    workers = max(1, min(workers or cores(), job.shards))
    boxes = sum(len(task.boxes) for task in job.tasks if task.boxes is not None)
    plan = {
        "pictures": len(job.tasks),
        "boxes": boxes,
        "shards": job.shards,
        "skipped": len(gathered.skipped),
        "nms": job.recipe.nms,
        "detector": job.recipe.detector or "boxes are given",
        "runtime": job.recipe.runtime,
        "workers": workers,
        "seconds_expected": round(each * len(job.tasks) / workers, 1),
    }
    if as_json:
        console.print_json(plan)
    else:
        table = console.make_table("Would do", ("", ""))
        table.show_header = False
        for name, value in plan.items():
            table.add_row(name.replace("_", " "), str(value))
        console.stdout.print(table)
    return ExitCode.DONE
