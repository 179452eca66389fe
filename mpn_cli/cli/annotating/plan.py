"""``mpn annotate --dry-run``: what would be done, and how long it may take."""

from __future__ import annotations

from mpn_cli.base.devices import CPU, find_devices
from mpn_cli.cli import console
from mpn_cli.detectors.registry import prepare_detector
from mpn_cli.engine.forecast import seconds_expected, worker_count
from mpn_cli.engine.job import Job
from mpn_cli.networks.sources import prepare_estimator
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.sources.kinds import in_words
from mpn_cli.sources.tasks import Gathered


def show_plan(job: Job, settings: AnnotateOptions, gathered: Gathered, *, as_json: bool) -> None:
    """Show the plan of a job. Raises InputError and PluginError for networks that don't load."""
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
