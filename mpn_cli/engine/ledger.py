"""Keeps track of which shards of a job are done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mpn_cli.engine.folder import OutFolder
from mpn_cli.engine.job import Job
from mpn_cli.engine.parts import PartHeader, read_header, read_part
from mpn_cli.results.poses import Counts
from mpn_cli.sources.tasks import Skipped

LATE_SECONDS = 60.0
"""How long shared storage may take to show a part that another machine has written."""


@dataclass
class Totals:
    """Sums over finished shards."""

    counts: Counts = field(default_factory=Counts)
    skipped: list[Skipped] = field(default_factory=list)

    def add(self, part: PartHeader) -> None:
        """Count a finished shard."""
        self.counts += part.counts
        self.skipped += part.skipped


Progress = Callable[[Totals], None]


class Ledger:
    """Counts finished shards; it keeps one byte per shard."""

    def __init__(self, job: Job, out: OutFolder, progress: Progress) -> None:
        self.job = job
        self.out = out
        self._progress = progress
        self._done = bytearray(job.shards)
        self._totals = Totals()
        for number in range(job.shards):
            header = read_part(out.parts, job.hash, number)
            if header is not None:
                self._count(number, header)
        progress(self._totals)

    def _count(self, number: int, header: PartHeader) -> None:
        self._done[number] = 1
        self._totals.add(header)

    def done(self, number: int, header: PartHeader) -> None:
        """A shard's part is written."""
        if not self._done[number]:
            self._count(number, header)
            self._progress(self._totals)

    def missing(self) -> Iterator[int]:
        """The shards that are not done."""
        return (number for number, done in enumerate(self._done) if not done)

    @property
    def complete(self) -> bool:
        """Whether all shards are done."""
        return all(self._done)

    def totals(self) -> Totals | None:
        """The sums in the shards' order, from their parts; None if some are not done.

        A part that is not there, although it was written, is waited for; in the end it is not done.
        """
        if not self.complete:
            return None
        in_order = Totals()
        patience = time.monotonic() + LATE_SECONDS
        for number in range(self.job.shards):
            header = read_header(self.out.parts, self.job.hash, number)
            while header is None and time.monotonic() < patience:
                time.sleep(0.2)
                header = read_header(self.out.parts, self.job.hash, number)
            if header is None:
                self._done[number] = 0
            else:
                in_order.add(header)
        return in_order if self.complete else None
