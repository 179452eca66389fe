"""How far the numbers would move with other pictures: the bootstrap over pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mpn_cli.arrays import Float64Array
from mpn_cli.evaluation.matches import NAMES, Matches

CONFIDENCE = 0.95
RESAMPLES = 200
"""The ends of a 95 % interval from so many move by a tenth of its width."""

_SEED = 0


@dataclass(frozen=True, slots=True)
class Interval:
    """Where 95 % of the resamples lie."""

    low: float
    high: float


def resampled(files: Sequence[Matches], times: int) -> Float64Array:
    """(F, times, 10) COCO's numbers of files on pictures drawn again with replacement.

    The files share each draw (a paired bootstrap), so that differences between them can be taken
    draw by draw. The files are results for one ground truth. Draws are seeded.
    """
    pictures = max(len(file.pictures) for file in files)
    rng = np.random.default_rng(_SEED)
    weights = rng.multinomial(pictures, np.full(pictures, 1 / pictures), times).astype(np.float64)

    return np.array(
        [
            [file.numbers(weight) if file.pictures else np.zeros(len(NAMES)) for weight in weights]
            for file in files
        ]
    )


def intervals(draws: Float64Array) -> list[Interval]:
    """Percentile intervals of (times, numbers)."""
    ends = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(draws, [ends, 100 - ends], axis=0)
    return [Interval(float(a), float(b)) for a, b in zip(low, high, strict=True)]
