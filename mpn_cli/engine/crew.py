"""Worker processes of this machine, and what is done when one dies.

loky starts them afresh: nothing of this process can disturb them. For a job of a shard or two that
costs more time than the work itself; where it is safe, its workers are forked off this process and
have its modules already.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import ProcessPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TypeVar

from mpn_cli.base.cores import usable_cores
from mpn_cli.base.stopping import STOP_SIGNALS
from mpn_cli.engine.worker import start

_Result = TypeVar("_Result")

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


FORKED_SHARDS = 2
"""Jobs of up to this many shards are worth forking for."""


def may_fork(shards: int) -> bool:
    """Whether the workers of a small job can be forked off this process.

    Forked processes lack the threads of their parent, which torch's and other libraries' pools
    would wait for in vain; what this program imports by default starts none before it computes.
    """
    return sys.platform == "linux" and shards <= FORKED_SHARDS and not _POOLED & sys.modules.keys()


_POOLED = {"torch", "onnxruntime"}
"""Libraries whose thread pools don't survive a fork."""


class Crew:
    """Worker processes, each with its share of the cores; a context manager.

    A worker's death breaks the crew: what was submitted fails with BrokenProcessPool (that of
    ``concurrent.futures.process``), and the next ``submit`` starts new workers.
    """

    def __init__(self, workers: int, *, forked: bool = False) -> None:
        """forked: start the first workers by forking (:func:`may_fork`); later ones never are."""
        self.workers = workers
        self.threads = max(1, usable_cores() // workers)
        self._forked = forked
        self._executor: Executor | None = None

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the workers; at once if there was an error."""
        self.dismiss(kill=error is not None)

    def submit(self, work: Callable[..., _Result], *args: Any) -> Future[_Result]:
        """Have a worker call ``work(*args)``."""
        if self._executor is None:
            self._executor = self._start()
        with _held(STOP_SIGNALS):  # the first submit starts the processes
            future: Future[_Result] = self._executor.submit(work, *args)
        return future

    def _start(self) -> Executor:
        if self._forked:
            self._forked = False
            return ProcessPoolExecutor(
                self.workers,
                mp_context=multiprocessing.get_context("fork"),
                initializer=start,
                initargs=(os.getpid(),),
            )
        # Imported here: small jobs do without, and it costs them a tenth of a second.
        from joblib.externals.loky.process_executor import ProcessPoolExecutor as LokyExecutor

        environment = dict.fromkeys(THREAD_VARIABLES, str(self.threads))
        # loky's resource tracker, which is started here, guards itself against SIGINT and SIGTERM
        # only: without it nobody removes the semaphores when a terminal is closed.
        with _held(set(STOP_SIGNALS) - {signal.SIGINT, signal.SIGTERM}):
            executor: Executor = LokyExecutor(
                self.workers,
                initializer=start,
                initargs=(os.getpid(),),
                # Threads that wait for work must not take the cores from those that do it.
                env=environment | {"OMP_WAIT_POLICY": "PASSIVE"},
            )
        return executor

    def dismiss(self, *, kill: bool) -> None:
        """End the workers."""
        executor, self._executor = self._executor, None
        if executor is None:
            return
        if not isinstance(executor, ProcessPoolExecutor):
            executor.shutdown(wait=True, kill_workers=kill)  # type: ignore[call-arg]  # loky's
            return
        if kill:
            for child in multiprocessing.active_children():
                child.kill()
        executor.shutdown(wait=True)


@contextmanager
def _held(signals: Collection[int]) -> Iterator[None]:
    """Processes started here don't see some signals before they can ignore them.

    A blocked signal stays blocked in the child; here it comes right after the block.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
