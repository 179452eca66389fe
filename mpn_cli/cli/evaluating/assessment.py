"""Everything that ``mpn eval`` finds out about results for one COCO ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mpn_cli.evaluation.breakdown import Breakdown, break_down
from mpn_cli.evaluation.coco import Evaluation
from mpn_cli.evaluation.errors import KINDS, Errors, find_errors
from mpn_cli.evaluation.ground_truth import GroundTruth
from mpn_cli.evaluation.health import odd_things
from mpn_cli.evaluation.intervals import Interval, intervals, resampled
from mpn_cli.evaluation.matches import NAMES
from mpn_cli.evaluation.measuring import Measured, measure
from mpn_cli.evaluation.reliability import Reliabilities, measure_reliability
from mpn_cli.evaluation.results import Results, read_results

WORST = 10
"""How many of the worst pictures are listed."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """One results file."""

    results: Results
    odd: list[str]
    """What is odd about the file, a line each."""
    evaluation: Evaluation
    breakdown: Breakdown
    reliability: Reliabilities
    errors: Errors | None
    """None where nobody asked for them."""
    intervals: list[Interval]
    """Of the ten numbers; empty without resamples."""
    change: list[Interval]
    """Of the differences from the first file; empty for the first file and without resamples."""


def assess(
    truth: GroundTruth, files: Sequence[Path], engine: str, resamples: int, *, errors: bool
) -> list[Assessed]:
    """Measure results files for one ground truth. Raises InputError."""
    results = [read_results(file, truth) for file in files]
    labelled = truth.labelled()
    with ThreadPoolExecutor(1) as beside:  # most of either is numpy's, which threads can share
        looked_at = [beside.submit(odd_things, one.found(), labelled) for one in results]
        measured = [measure(truth, one, engine) for one in results]
        odd = [[*one.notes, *of.result()] for one, of in zip(results, looked_at, strict=True)]
    drawn = resamples > 0 and any(one.evaluation.matches.groups for one in measured)
    draws = [
        resampled(one.evaluation.matches, len(truth.images), resamples)
        for one in (measured if drawn else [])
    ]
    return [
        Assessed(
            one,
            lines,
            of.evaluation,
            break_down(truth, one, of),
            measure_reliability(truth, one, of.evaluation.matches, of.nearest),
            find_errors(truth, one, of) if errors else None,
            intervals(draws[number]) if drawn else [],
            intervals(draws[number] - draws[0]) if drawn and number else [],
        )
        for number, (one, lines, of) in enumerate(_together(results, odd, measured))
    ]


def _together(
    results: Sequence[Results], odd: Sequence[list[str]], measured: Sequence[Measured]
) -> zip[tuple[Results, list[str], Measured]]:
    return zip(results, odd, measured, strict=True)


def as_json(truth: GroundTruth, assessed: Sequence[Assessed]) -> dict[str, Any]:
    """The first file's numbers on top; further files, as differences from it, in ``others``."""
    whole: list[dict[str, Any]] = []
    for one in assessed:
        odd = [*truth.notes, *one.odd]
        entry: dict[str, Any] = {
            "results": str(one.results.file),
            **one.evaluation.numbers,
            "odd": odd,
        }
        if one.intervals:
            entry["intervals"] = _named(one.intervals)
        if one.change:
            entry["difference_intervals"] = _named(one.change)
        entry |= asdict(one.breakdown)
        entry["reliability"] = asdict(one.reliability)
        if one.errors is not None:
            entry["errors"] = _errors_as_json(one.errors)
        whole.append(entry)
    return whole[0] | ({"others": whole[1:]} if whole[1:] else {})


def _named(spread: Sequence[Interval]) -> dict[str, tuple[float, float]]:
    return {name: (one.low, one.high) for name, one in zip(NAMES, spread, strict=True)}


def _errors_as_json(found: Errors) -> dict[str, Any]:
    return {
        "joints": {kind: found.count(kind) for kind in KINDS},
        "by_joint": found.by_joint,
        "background": len(found.background),
        "doubled": len(found.doubled),
        "missed_people": len(found.missed),
        "ap_mended": found.mended,
        "worst": [asdict(one) for one in found.pictures[:WORST]],
    }
