"""Runs a job's shards on this machine, whatever happens to the processes that do it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from threading import Event

from mpn_cli.base.cores import usable_cores
from mpn_cli.base.devices import CPU
from mpn_cli.base.errors import InputError
from mpn_cli.engine.crew import Crew, may_fork
from mpn_cli.engine.folder import OutFolder, writing
from mpn_cli.engine.job import Job
from mpn_cli.engine.ledger import Ledger, Progress, Totals
from mpn_cli.engine.overlays import overlay_style
from mpn_cli.engine.parts import PartHeader, read_header, write_part
from mpn_cli.engine.worker import Orders, annotate, annotate_part, draw_part
from mpn_cli.results.poses import ShardResult
from mpn_cli.sources.tasks import Skipped, Task

Work = Callable[[Orders, int, Sequence[Task]], PartHeader]

DEATHS = 2
"""A shard in progress at this many worker deaths is then run in a process of its own."""


def run_shards(
    job: Job,
    out: OutFolder,
    workers: int | None,
    stop: Event,
    progress: Progress,
    devices: tuple[str, ...] = (CPU,),
) -> Totals | None:
    """Run what is not finished yet; the totals of the whole job, or None if ``stop`` was set.

    workers: processes, as many as cores if None, and never more than shards; one a device where
    ``devices`` are not the cpu. Shards in hand when
    ``stop`` is set are finished. Raises InputError where OUT can't be written.
    """
    if devices != (CPU,):
        workers = len(devices)
    ledger = Ledger(job, out, progress)
    missing = list(ledger.missing())
    if missing:
        forked = devices == (CPU,) and may_fork(job.shards)
        with Crew(min(workers or usable_cores(), len(missing)), forked=forked) as crew:
            orders = Orders(job.hash, job.recipe, out.path, crew.threads, devices)
            suspects = _run_missing(job, crew, orders, annotate_part, missing, stop, ledger.done)
        for number in suspects:
            if stop.is_set():
                break
            ledger.done(number, run_apart(job, out, number, devices))
    return ledger.totals()


def draw_missing(
    job: Job,
    out: OutFolder,
    mark: str,
    workers: int | None,
    stop: Event,
    progress: Callable[[int], None],
) -> bool:
    """Draw the overlays of shards whose parts were made without; False if ``stop`` was set.

    mark: the hash that the parts carry; progress is told how many pictures are drawn. Raises
    InputError where OUT can't be written.
    """
    style, drawn, missing = overlay_style(job.recipe), 0, []
    for number in range(job.shards):
        header = read_header(out.parts, mark, number)
        if header is None or header.overlays != style:
            missing.append(number)
        else:
            drawn += header.counts.pictures

    def done(number: int, header: PartHeader) -> None:
        nonlocal drawn
        drawn += header.counts.pictures
        progress(drawn)

    if missing:
        with Crew(min(workers or usable_cores(), len(missing))) as crew:
            orders = Orders(mark, job.recipe, out.path, crew.threads)
            suspects = _run_missing(job, crew, orders, draw_part, missing, stop, done)
        if suspects:
            first = job.shard(suspects[0])[0].path
            raise InputError(
                f"drawing overlays killed its worker process again and again (near {first})."
                " Is there enough memory? The same command goes on from there."
            )
    return not stop.is_set()


def _run_missing(
    job: Job,
    crew: Crew,
    orders: Orders,
    work: Work,
    missing: Sequence[int],
    stop: Event,
    done: Callable[[int, PartHeader], None],
) -> list[int]:
    """Run shards in worker processes; those that seem to kill their worker are returned."""
    waiting = deque(missing)
    deaths: Counter[int] = Counter()
    in_hand: dict[Future[PartHeader], int] = {}
    while in_hand or (waiting and not stop.is_set()):
        try:
            # One more than workers, so that none waits for the next shard.
            while waiting and len(in_hand) <= crew.workers and not stop.is_set():
                number = waiting[0]
                future = crew.submit(work, orders, number, job.shard(number))
                in_hand[future] = waiting.popleft()
            ready, _ = wait(in_hand, return_when=FIRST_COMPLETED)
            for future in ready:
                done(in_hand[future], future.result())
                del in_hand[future]
        except BrokenProcessPool:
            # Which shard it was is not known: all that were in hand are tried again.
            crew.dismiss(kill=True)
            for future, number in in_hand.items():
                if future.done() and not future.cancelled() and not future.exception():
                    done(number, future.result())
                else:
                    deaths[number] += 1
                    if deaths[number] < DEATHS:
                        waiting.appendleft(number)
            in_hand.clear()
    return sorted(number for number, times in deaths.items() if times >= DEATHS)


def run_apart(
    job: Job, out: OutFolder, number: int, devices: tuple[str, ...] = (CPU,)
) -> PartHeader:
    """Run one shard in a process of its own; pictures that kill it are skipped."""
    with Crew(1) as crew:
        orders = Orders(job.hash, job.recipe, out.path, crew.threads, devices)
        result = _survivors(crew, orders, job.shard(number))
    with writing(out.path):
        return write_part(out.parts, job.hash, number, result, overlay_style(job.recipe))


def _survivors(crew: Crew, orders: Orders, tasks: Sequence[Task]) -> ShardResult:
    """The result of the tasks that leave their process alive, found by halving."""
    try:
        return crew.submit(annotate, orders, tasks).result()
    except BrokenProcessPool:
        crew.dismiss(kill=True)
    if len(tasks) == 1:
        why = "the worker process died each time it had this picture"
        return ShardResult([], [Skipped(tasks[0].place, "crashed", why)])
    half = len(tasks) // 2
    return _survivors(crew, orders, tasks[:half]) + _survivors(crew, orders, tasks[half:])
