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

from mpn_cli.arrays import Float64Array
from mpn_cli.evaluation.coco import (
    Content,
    Engine,
    Evaluation,
    TruthContent,
    keypoint_evaluation,
    load_truth,
)
from mpn_cli.evaluation.inputs import GroundTruth, Results
from mpn_cli.evaluation.intervals import resampled


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


class Evaluator:
    """Measures results files for one ground truth."""

    def __init__(self, measure: _Measure, pool: ProcessPoolExecutor | None) -> None:
        self._measure = measure
        self._pool = pool
        self._ahead: dict[Path, Future[Measured]] = {}

    def begin(self, files: Sequence[Path]) -> None:
        """Start on files not looked into yet; what goes wrong with them is forgotten."""
        if self._pool is not None:
            self._ahead = {file: self._pool.submit(self._measure, str(file)) for file in files}

    def evaluate(self, results: Results) -> Measured:
        """What results that have been read and checked come to."""
        ahead, content = self._ahead.get(results.file), results.content()
        if ahead is not None and content == str(results.file) and ahead.exception() is None:
            return ahead.result()
        return self._measure(content)


def _be_quiet() -> None:
    """Leave Ctrl-C and messages to the process that asked: files are not checked yet."""
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
    pool = ProcessPoolExecutor(1, get_context("fork"), _be_quiet)
    try:
        yield Evaluator(measure, pool)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
