"""Worker processes of this machine (loky's), and what is done when one dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TypeVar

import joblib
from joblib.externals.loky.process_executor import ProcessPoolExecutor

from mpn_cli.base.stopping import STOP_SIGNALS
from mpn_cli.engine.worker import start

_Result = TypeVar("_Result")

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def cores() -> int:
    """CPU cores this process may use: affinity and container limits count."""
    return int(joblib.cpu_count())


class Crew:
    """Worker processes, each with its share of the cores; a context manager.

    A worker's death breaks the crew: what was submitted fails with loky's BrokenProcessPool, and
    the next ``submit`` starts new workers.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.threads = max(1, cores() // workers)
        self._executor: Any = None

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

    def _start(self) -> Any:
        environment = dict.fromkeys(THREAD_VARIABLES, str(self.threads))
        # loky's resource tracker, which is started here, guards itself against SIGINT and SIGTERM
        # only: without it nobody removes the semaphores when a terminal is closed.
        with _held(set(STOP_SIGNALS) - {signal.SIGINT, signal.SIGTERM}):
            return ProcessPoolExecutor(
                self.workers,
                initializer=start,
                initargs=(os.getpid(),),
                # Threads that wait for work must not take the cores from those that do it.
                env=environment | {"OMP_WAIT_POLICY": "PASSIVE"},
            )

    def dismiss(self, *, kill: bool) -> None:
        """End the workers."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=kill)
            self._executor = None


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
