"""Reads pictures in the background while earlier ones are processed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from mpn_cli.sources.reading import Decoded, UnreadableError
from mpn_cli.sources.tasks import Skipped, Task

AHEAD = 2
"""Number of decoded pictures kept waiting: enough to hide a slow disk, few enough in memory."""


def pictures_of(
    tasks: Sequence[Task], read: Callable[[Task], Decoded], threads: int = 1
) -> Iterator[tuple[Task, Decoded | Skipped]]:
    """Each task with its pixels, or with the reason why there are none.

    threads: pictures decoded at once; a GPU is faster than one core decodes.
    """

    def attempt(task: Task) -> Decoded | Skipped:
        try:
            return read(task)
        except UnreadableError as error:
            return Skipped(task.place, error.reason, error.detail)
        except MemoryError:
            return Skipped(task.place, "too large", "not enough memory to decode it")

    with ThreadPoolExecutor(threads) as pool:
        waiting: list[Future[Decoded | Skipped]] = []
        for position, task in enumerate(tasks):
            while len(waiting) + position < len(tasks) and len(waiting) < AHEAD * threads:
                waiting.append(pool.submit(attempt, tasks[position + len(waiting)]))
            yield task, waiting.pop(0).result()
