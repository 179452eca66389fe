"""Evaluates results in a process of its own while this one reads and checks the same files."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from mpn_cli.base.arrays import Float64Array
from mpn_cli.evaluation.coco import (
    Content,
    Engine,
    Evaluation,
    TruthContent,
    keypoint_evaluation,
    load_truth,
)
from mpn_cli.evaluation.ground_truth import GroundTruth
from mpn_cli.evaluation.intervals import resampled
from mpn_cli.evaluation.results import Results


@dataclass(frozen=True, slots=True)
class Measured:
    """An evaluation, and its numbers on pictures drawn again."""

    evaluation: Evaluation
    draws: Float64Array
    """(times, 10)."""


@dataclass(frozen=True, slots=True)
class _Measure:
    """How results are measured, whoever does it."""

    truth: TruthContent
    engine: Engine
    sigmas: Sequence[float] | None
    pictures: int
    resamples: int

    def __call__(self, results: Content) -> Measured:
        found = keypoint_evaluation(load_truth(self.truth, self.engine), results, self.sigmas)
        return Measured(found, resampled(found.matches, self.pictures, self.resamples))


_measure: _Measure | None = None
"""In the process beside: a fork hands it over, which is faster than sending it with each file."""


def _measured(file: str) -> Measured:
    assert _measure is not None
    return _measure(file)


class Evaluator:
    """Measures results files for one ground truth."""

    def __init__(self, measure: _Measure, pool: ProcessPoolExecutor | None) -> None:
        self._measure = measure
        self._pool = pool
        self._ahead: dict[Path, Future[Measured]] = {}

    def begin(self, files: Sequence[Path]) -> None:
        """Start on files not looked into yet; what goes wrong with them is forgotten."""
        if self._pool is not None:
            self._ahead = {file: self._pool.submit(_measured, str(file)) for file in files}

    def evaluate(self, results: Results) -> Measured:
        """What results that have been read and checked come to."""
        ahead = self._ahead.get(results.file)
        if ahead is not None and results.as_it_is and ahead.exception() is None:
            return ahead.result()
        return self._measure(results.content())


def _begin(measure: _Measure) -> None:
    """Take over what to do.

    Ctrl-C and messages are left to the process that asked: files are not checked yet.
    """
    global _measure
    _measure = measure
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


@contextmanager
def evaluator(truth: GroundTruth, engine: Engine, resamples: int) -> Iterator[Evaluator]:
    """An evaluator beside this process on Linux, where a fork costs nothing; else within it."""
    measure = _Measure(truth.content(), engine, truth.custom_sigmas, len(truth.images), resamples)
    if sys.platform != "linux":
        yield Evaluator(measure, None)
        return
    pool = ProcessPoolExecutor(1, get_context("fork"), _begin, (measure,))
    try:
        yield Evaluator(measure, pool)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
