"""Estimates how long a job takes, by running a sample of it in the same way."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import wait
from concurrent.futures.process import BrokenProcessPool
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from mpn_cli.base.cores import usable_cores
from mpn_cli.base.devices import CPU
from mpn_cli.engine.crew import Crew
from mpn_cli.engine.folder import PARTS
from mpn_cli.engine.job import Job
from mpn_cli.engine.worker import Orders, annotate
from mpn_cli.sources.tasks import FrameTask, Task

_One = TypeVar("_One")

SAMPLE_SECONDS = 1.5
"""Shortest duration of a sample that gives a usable estimate."""

FIRST_SAMPLE = 4
"""Pictures per worker."""


def worker_count(job: Job, workers: int | None, devices: tuple[str, ...]) -> int:
    """Number of processes that run a job."""
    if devices != (CPU,):
        return len(devices)
    return max(1, min(workers or usable_cores(), job.shards))


def seconds_expected(job: Job, workers: int, devices: tuple[str, ...]) -> float | None:
    """Seconds of the whole job, start-up included; None where a picture of the sample kills.

    The sample is run by as many processes as the job would have, overlays included, into a
    temporary folder.
    """
    started_already = time.process_time()  # this process's start, which the job's has as well
    with tempfile.TemporaryDirectory(prefix="mpn-") as scratch, Crew(workers) as crew:
        (Path(scratch) / PARTS).mkdir()
        orders = Orders(job.hash, job.recipe, Path(scratch), crew.threads, devices)
        try:
            start_up = _run(crew, orders, [job.tasks[:1]] * workers)
            size = FIRST_SAMPLE * workers
            while True:
                sample = sample_of(job, size)
                ends = [len(sample) * n // workers for n in range(workers + 1)]
                seconds = _run(crew, orders, [sample[a:b] for a, b in pairwise(ends)])
                if seconds > SAMPLE_SECONDS or size >= len(job.tasks):
                    break
                size *= 4
        except BrokenProcessPool:
            crew.dismiss(kill=True)
            return None
    return started_already + start_up + seconds * len(job.tasks) / len(sample)


def sample_of(job: Job, size: int) -> list[Task]:
    """At least ``size`` tasks from all over a job, of videos in runs that begin at key frames."""
    if not any(isinstance(task, FrameTask) for task in job.tasks):
        return spread(job.tasks, size)
    shards = [job.shard(number) for number in spread(range(job.shards), size)]
    run = -(-size // len(shards))
    return [task for shard in shards for task in shard[:run]]


def spread(tasks: Sequence[_One], size: int) -> list[_One]:
    """At most ``size`` of the tasks, from all over them."""
    if size >= len(tasks):
        return list(tasks)
    return [tasks[position * len(tasks) // size] for position in range(size)]


def _run(crew: Crew, orders: Orders, shards: Sequence[Sequence[Task]]) -> float:
    started = time.perf_counter()
    futures = [crew.submit(annotate, orders, shard) for shard in shards if shard]
    for future in wait(futures).done:
        future.result()
    return time.perf_counter() - started
