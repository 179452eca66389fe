"""How much the numbers would change with other pictures: a bootstrap over pictures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from mpn_cli.base.arrays import Float64Array
from mpn_cli.base.cores import usable_cores
from mpn_cli.evaluation.matches import NAMES, Matches

CONFIDENCE = 0.95
RESAMPLES = 200
"""With so many, the ends of a 95 % interval vary by a tenth of its width from seed to seed."""

_SEED = 0

_BLOCK = 8
"""Draws counted at once: their running sums fit a core's cache."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The range that holds 95 % of the resamples."""

    low: float
    high: float


def resampled(matches: Matches, pictures: int, times: int) -> Float64Array:
    """(times, 10) COCO's numbers on the ground truth's pictures drawn again with replacement.

    Draws are seeded: all files with results for one ground truth share them (a paired bootstrap),
    so that differences between files can be taken draw by draw.
    """
    rng = np.random.default_rng(_SEED)
    weights = rng.multinomial(pictures, np.full(pictures, 1 / pictures), times)
    if not matches.groups or not times:
        return np.zeros((times, len(NAMES)))
    blocks = [weights[start : start + _BLOCK] for start in range(0, times, _BLOCK)]
    matches.numbers(weights[:1, :])  # what all draws share is worked out before threads need it
    with ThreadPoolExecutor(usable_cores()) as threads:
        return np.concatenate(list(threads.map(matches.numbers, blocks)))


def intervals(draws: Float64Array) -> list[Interval]:
    """Percentile intervals of (times, numbers)."""
    ends = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(draws, [ends, 100 - ends], axis=0)
    return [Interval(float(a), float(b)) for a, b in zip(low, high, strict=True)]
