"""Runs a job's shards on a Dask cluster: the same shards, other machines.

The scheduler never holds more than a few shards per worker; parts are written to OUT by the workers
and only their headers come back. Whatever is lost on the way (a worker, the scheduler, this client)
costs the shards in hand, and they are done again.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import itertools
import logging
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

from mpn_cli.base.cores import usable_cores
from mpn_cli.base.errors import InputError
from mpn_cli.base.version import __version__
from mpn_cli.engine.cluster_worker import annotate_part_there, greet
from mpn_cli.engine.folder import OutFolder
from mpn_cli.engine.job import Job
from mpn_cli.engine.ledger import Ledger, Progress, Totals
from mpn_cli.engine.local import run_apart
from mpn_cli.engine.parts import PartHeader
from mpn_cli.engine.worker import Orders
from mpn_cli.sources.tasks import Task

LOCAL = "local"

SHARDS_A_THREAD = 6
"""Shards held by the scheduler per worker thread: one is being processed, the others wait."""

CONNECT_SECONDS = 10.0
SCHEDULER_SECONDS = 600.0
"""How long a scheduler may be away before the job gives up (and can be resumed)."""

LOOK_SECONDS = 0.5

Work = Callable[[Orders, str, int, Sequence[Task]], PartHeader]
Note = Callable[[str], None]


class _SchedulerLostError(Exception):
    """The connection broke; the shards held by the scheduler are done again."""


def run_on_cluster(
    job: Job,
    out: OutFolder,
    address: str,
    workers: int | None,
    stop: Event,
    progress: Progress,
    note: Note,
    work: Work = annotate_part_there,
) -> Totals | None:
    """As ``run_shards``, on the workers of the scheduler at ``address``.

    address: as ``tcp://host:8786``, a scheduler file (.json), or "local" for a cluster of
    ``workers`` processes on this machine. Raises InputError where there is no scheduler, or a
    worker that would not do what this client does.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    orders = Orders(job.hash, job.recipe, out.path.absolute(), threads=1)
    ledger = Ledger(job, out, progress)
    with _scheduler(address, workers) as scheduler:
        lost_at: float | None = None
        while not ledger.complete and not stop.is_set():
            try:
                with _connected(scheduler) as client:
                    lost_at = None
                    _greet(client, orders, stop, note)
                    _feed(client, job, orders, ledger, stop, work)
            except _SchedulerLostError:
                if lost_at is None:
                    lost_at = time.monotonic()
                    note(f"lost the scheduler at {scheduler}; waiting for it")
                if time.monotonic() - lost_at > SCHEDULER_SECONDS:
                    raise InputError(
                        f"the scheduler at {scheduler} did not come back. What is finished is"
                        " kept: the same command goes on from there."
                    ) from None
                stop.wait(LOOK_SECONDS)
    return ledger.totals()


@contextlib.contextmanager
def _scheduler(address: str, workers: int | None) -> Iterator[str]:
    """The address of a scheduler; of one started here for "local"."""
    if address != LOCAL:
        # The first connection decides whether there is one: a mistyped address is no lost one.
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(_connected(address))
            except _SchedulerLostError:
                raise InputError(f"--cluster {address}: no scheduler answers there") from None
        yield address
        return
    with _distributed().LocalCluster(
        n_workers=workers or usable_cores(),
        threads_per_worker=1,
        memory_limit=0,
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    ) as cluster:
        yield cluster.scheduler_address


@contextlib.contextmanager
def _connected(address: str) -> Iterator[Any]:
    where = {"scheduler_file": address} if address.endswith(".json") else {"address": address}
    if "scheduler_file" in where and not Path(address).is_file():
        raise _SchedulerLostError
    try:
        client = _distributed().Client(**where, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError):
        raise _SchedulerLostError from None
    except ValueError as error:
        raise InputError(f"--cluster {address}: {error}") from None
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):  # it may be gone, and then nothing is left to close
            client.close(timeout=CONNECT_SECONDS)


def _greet(client: Any, orders: Orders, stop: Event, note: Note) -> None:
    """Wait for a worker, and ask all connected workers whether they can do this job."""
    announced = False
    while not _threads(client):
        if not announced:
            note("the scheduler has no workers yet; waiting for the first")
            announced = True
        if stop.wait(LOOK_SECONDS):
            return
        if client.status != "running":
            raise _SchedulerLostError
    try:
        answers = client.run(greet, orders, __version__, on_error="return")
    except (OSError, TimeoutError):
        raise _SchedulerLostError from None
    for worker, answer in answers.items():
        if isinstance(answer, ImportError):
            raise InputError(f"worker {worker} has no mpn of this kind: {answer}")
        if isinstance(answer, str) and answer:
            raise InputError(answer)


def _threads(client: Any) -> int:
    """Number of threads of all workers together."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return sum(int(worker["nthreads"]) for worker in workers)


def _feed(client: Any, job: Job, orders: Orders, ledger: Ledger, stop: Event, work: Work) -> None:
    """Keep the scheduler in shards until all are done, or those in hand if ``stop`` is set."""
    missing = ledger.missing()
    ready: queue.SimpleQueue[Any] = queue.SimpleQueue()
    in_hand: dict[Any, int] = {}
    window, looked = 0, 0.0
    while True:
        now = time.monotonic()
        if now - looked > LOOK_SECONDS:
            if client.status != "running":
                raise _SchedulerLostError
            window, looked = SHARDS_A_THREAD * _threads(client) + 1, now
        # Several at once: a graph of ten shards costs the scheduler little more than one of one.
        if len(in_hand) <= window // 2 and not stop.is_set():
            numbers = list(itertools.islice(missing, window - len(in_hand)))
            for number, future in zip(
                numbers, _submit(client, job, orders, numbers, work), strict=True
            ):
                in_hand[future] = number
                future.add_done_callback(ready.put)
        if not in_hand:
            return
        done = {future: in_hand.pop(future) for future in _drained(ready)}
        for number, header in _headers(client, done, job, ledger.out):
            ledger.done(number, header)


def _submit(
    client: Any, job: Job, orders: Orders, numbers: Sequence[int], work: Work
) -> Sequence[Any]:
    """A future for each shard."""
    if not numbers:
        return []
    many = len(numbers)
    shards = [job.shard(number) for number in numbers]
    futures: Sequence[Any] = client.map(
        work, [orders] * many, [__version__] * many, numbers, shards, pure=False
    )
    return futures


def _drained(ready: queue.SimpleQueue[Any]) -> list[Any]:
    """What is ready, at least one thing unless nothing comes for a while."""
    futures: list[Any] = []
    with contextlib.suppress(queue.Empty):
        futures.append(ready.get(timeout=LOOK_SECONDS))
        while True:
            futures.append(ready.get_nowait())
    return futures


def _headers(
    client: Any, numbers: dict[Any, int], job: Job, out: OutFolder
) -> Iterator[tuple[int, PartHeader]]:
    """What shards gave, fetched at one go; what a worker raised is raised here."""
    finished = [future for future in numbers if future.status == "finished"]
    try:
        headers = client.gather(finished) if finished else []
    except (OSError, TimeoutError, asyncio.CancelledError):
        raise _SchedulerLostError from None
    yield from zip((numbers[future] for future in finished), headers, strict=True)
    for future in numbers.keys() - set(finished):
        if future.status != "error":
            raise _SchedulerLostError
        error = future.exception()
        if isinstance(error, RuntimeError) and isinstance(error.__cause__, ImportError):
            raise InputError(f"the scheduler needs the same mpn as its workers: {error.__cause__}")
        if not isinstance(error, _distributed().KilledWorker):
            raise error
        # Worker after worker died on it: what kills them is looked for here, by halving.
        yield numbers[future], run_apart(job, out, numbers[future])


def _distributed() -> Any:
    """Dask's module, which takes a while to import."""
    return importlib.import_module("distributed")
