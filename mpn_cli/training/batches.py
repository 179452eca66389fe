"""Batches in an order fixed by the seed, made ahead of the step in a thread."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

Batch = TypeVar("Batch")


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of each batch one of several processes works on."""

    rank: int = 0
    processes: int = 1

    def of(self, batch: int) -> tuple[int, int]:
        """First row of the share of a batch, and the one after its last."""
        return (
            self.rank * batch // self.processes,
            (self.rank + 1) * batch // self.processes,
        )


def epoch_order(
    sizes: Sequence[int], mix: Sequence[float], seed: int, epoch: int
) -> list[tuple[int, int]]:
    """(data set, row) for each of the epoch's sum(sizes) samples, shuffled.

    A data set is gone through whole before any of its samples comes twice.
    """
    total = sum(sizes)
    shares = np.array([size * weight for size, weight in zip(sizes, mix, strict=True)])
    edges = np.round(np.cumsum(shares) / shares.sum() * total).astype(int)
    counts = np.diff(edges, prepend=0)
    order: list[tuple[int, int]] = []
    for data_set, (size, count) in enumerate(zip(sizes, counts, strict=True)):
        rng = np.random.default_rng((seed, epoch, data_set))
        rounds = max(1, -(-count // size))
        rows = np.concatenate([rng.permutation(size) for _ in range(rounds)])[:count]
        order.extend((data_set, int(row)) for row in rows)
    shuffled = np.random.default_rng((seed, epoch, len(sizes))).permutation(total)
    return [order[i] for i in shuffled]


class Batches(ABC, Generic[Batch]):
    """The batches of a stage; batch n is the same however the run was interrupted."""

    makers = 1
    """Threads that make batches."""

    def __init__(self, sizes: Sequence[int], mix: Sequence[float], batch: int, seed: int) -> None:
        self.sizes = sizes
        self.mix = mix
        self.batch = batch
        self.seed = seed
        self.steps_per_epoch = max(1, sum(sizes) // batch)
        self.share = Share()
        self._order: tuple[int, list[tuple[int, int]]] | None = None

    @abstractmethod
    def make(self, step: int, rows: list[tuple[int, int]], first: int = 0) -> Batch:
        """The batch of some (data set, row).

        ``step`` and a row's place in the whole batch seed its augmentation; ``first`` is that of
        the first row.
        """

    def rows_of_step(self, step: int) -> list[tuple[int, int]]:
        """(data set, row) of the samples of the stage's batch ``step``."""
        epoch, within = divmod(step, self.steps_per_epoch)
        if self._order is None or self._order[0] != epoch:
            self._order = epoch, epoch_order(self.sizes, self.mix, self.seed, epoch)
        return self._order[1][within * self.batch : (within + 1) * self.batch]

    def between(self, first: int, last: int, ahead: int = 3) -> Iterator[Batch]:
        """The process's share of the batches ``first`` to ``last`` - 1.

        The next ``ahead`` of them are made in advance, by ``makers`` threads.
        """
        start, stop = self.share.of(self.batch)
        with ThreadPoolExecutor(self.makers) as pool:
            waiting: list[Future[Batch]] = []
            for step in range(first, last + ahead):
                if step < last:
                    rows = self.rows_of_step(step)[start:stop]
                    waiting.append(pool.submit(self.make, step, rows, start))
                if step >= first + ahead:
                    yield waiting.pop(0).result()
