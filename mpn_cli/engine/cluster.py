"""Runs a job's shards on a Dask cluster: the same shards, other machines.

The scheduler never holds more than a few shards a worker; parts are written to OUT by the workers
and only their headers come back. Whatever is lost on the way (a worker, the scheduler, this client)
costs the shards in hand, and they are done again.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

from mpn_cli.engine.cluster_worker import annotate_part_there, greet
from mpn_cli.engine.crew import cores
from mpn_cli.engine.folder import OutFolder
from mpn_cli.engine.job import Job
from mpn_cli.engine.ledger import Ledger, Progress, Totals
from mpn_cli.engine.local import run_apart
from mpn_cli.engine.parts import PartHeader
from mpn_cli.engine.worker import Orders
from mpn_cli.errors import InputError
from mpn_cli.sources.tasks import Task
from mpn_cli.version import __version__

LOCAL = "local"

SHARDS_A_THREAD = 3
"""Shards with the scheduler for each thread of its workers: one in work, the others wait."""

CONNECT_SECONDS = 10.0
SCHEDULER_SECONDS = 600.0
"""How long a scheduler may be away before the job gives up (and can be resumed)."""

RESULT_SECONDS = 60.0
"""How long a finished shard's header may take to come, its worker's death included."""

LOOK_SECONDS = 0.5

Work = Callable[[Orders, str, int, Sequence[Task]], PartHeader]
Note = Callable[[str], None]


class _SchedulerLostError(Exception):
    """The connection broke; what was with the scheduler is done again."""


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
        n_workers=workers or cores(),
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
    """Wait for a worker, and ask those that are there whether they can do this job."""
    said = False
    while not _threads(client):
        if not said:
            note("the scheduler has no workers yet; waiting for the first")
            said = True
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
    """Of all workers together."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return sum(int(worker["nthreads"]) for worker in workers)


def _feed(client: Any, job: Job, orders: Orders, ledger: Ledger, stop: Event, work: Work) -> None:
    """Keep the scheduler in shards until all are done, or those in hand if ``stop`` is set."""
    missing = ledger.missing()
    ready: queue.SimpleQueue[Any] = queue.SimpleQueue()
    in_hand: dict[str, tuple[int, Any]] = {}
    window, looked = 0, 0.0
    while True:
        now = time.monotonic()
        if now - looked > LOOK_SECONDS:
            if client.status != "running":
                raise _SchedulerLostError
            window, looked = SHARDS_A_THREAD * _threads(client) + 1, now
        while len(in_hand) < window and not stop.is_set():
            number = next(missing, None)
            if number is None:
                break
            future = client.submit(work, orders, __version__, number, job.shard(number), pure=False)
            in_hand[future.key] = (number, future)
            future.add_done_callback(ready.put)
        if not in_hand:
            return
        for future in _drained(ready):
            number, _ = in_hand.pop(future.key)
            ledger.done(number, _header(future, job, ledger.out, number))


def _drained(ready: queue.SimpleQueue[Any]) -> list[Any]:
    """What is ready, at least one thing unless nothing comes for a while."""
    futures: list[Any] = []
    with contextlib.suppress(queue.Empty):
        futures.append(ready.get(timeout=LOOK_SECONDS))
        while True:
            futures.append(ready.get_nowait())
    return futures


def _header(future: Any, job: Job, out: OutFolder, number: int) -> PartHeader:
    """What a shard gave; what its worker raised is raised here."""
    if future.status == "error":
        error = future.exception()
        if isinstance(error, _distributed().KilledWorker):
            # Worker after worker died on it: what kills them is looked for here, by halving.
            return run_apart(job, out, number)
        raise error
    if future.status != "finished":
        raise _SchedulerLostError
    try:
        header: PartHeader = future.result(timeout=RESULT_SECONDS)
    except (OSError, TimeoutError, asyncio.CancelledError):
        raise _SchedulerLostError from None
    return header


def _distributed() -> Any:
    """Dask's module, which takes a while to import."""
    return importlib.import_module("distributed")
