"""Runs a job's shards on this machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

from mpn_cli.engine.folder import OutFolder
from mpn_cli.engine.job import Job
from mpn_cli.engine.overlays import write_overlays
from mpn_cli.engine.parts import PartHeader, write_part
from mpn_cli.pipeline.shard import Tools, annotate_shard
from mpn_cli.sources.tasks import Skipped


@dataclass
class Totals:
    """Sums over finished shards."""

    pictures: int = 0
    people: int = 0
    full_image: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    boxes_left_out: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, part: PartHeader) -> None:
        """Count a finished shard."""
        self.pictures += part.pictures
        self.people += part.people
        self.full_image += part.full_image
        self.skipped += part.skipped
        self.boxes_left_out.update(part.boxes_left_out)
        for stage, seconds in part.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


Progress = Callable[[Totals], None]


def run_shards(
    job: Job, tools: Tools, out: OutFolder, stop: Event, progress: Progress
) -> Totals | None:
    """Run what is not finished yet; the totals of the whole job, or None if ``stop`` was set.

    A shard in hand when ``stop`` is set is finished. Raises InputError where OUT can't be written.
    """
    finished = out.finished(job)
    headers = dict(finished)
    totals = Totals()
    for header in finished.values():
        totals.add(header)
    progress(totals)
    for number in range(job.shards):
        if number in finished:
            continue
        if stop.is_set():
            return None
        tasks = job.shard(number)
        result = annotate_shard(tasks, tools)
        with out.writing():
            if job.recipe.overlay:
                folder = out.path / "overlays"
                write_overlays(folder, tasks, result, tools.skeleton, job.recipe.kpt_thr)
            headers[number] = write_part(out.parts, job.hash, number, result)
        totals.add(headers[number])
        progress(totals)
    in_order = Totals()
    for number in range(job.shards):
        in_order.add(headers[number])
    return in_order
