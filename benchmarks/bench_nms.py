"""The NMS backends against a plain reference, in one run on the same crowds.

The reference is written after the published algorithm of the code family the paper builds on: a
Python loop over pictures, and for each kept pose numpy's OKS with every pose that is left, a joint
sum at a time. It is the yardstick and nothing else uses it.

    python benchmarks/bench_nms.py [--pictures 5000] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numba
import numpy as np
from mpn_nms.contract import NmsConfig, PoseBatch
from mpn_nms.numba_parallel import _exponential
from mpn_nms.registry import find_backend, suppress

from mpn_cli.cli.console import make_table, stdout
from mpn_cli.nms_bench.candidates import make_crowds

MEAN_CROWD, LARGEST_CROWD = 21, 200
RUNS = (
    ("hard", "hard"),
    ("numba", "hard"),
    ("soft", "soft"),
    ("numba", "soft"),
    ("matrix", "matrix"),
    ("numba", "matrix"),
)


def reference_hard(batch: PoseBatch, thr: float) -> list[int]:
    """Greedy OKS-NMS, picture by picture, pose by pose."""
    variances = (batch.sigmas * 2) ** 2
    kept: list[int] = []
    for first, last in zip(batch.offsets[:-1], batch.offsets[1:], strict=True):
        order = first + np.argsort(-batch.scores[first:last], kind="stable")
        while order.size > 0:
            best = order[0]
            kept.append(int(best))
            similar = np.zeros(len(order) - 1)
            for n, other in enumerate(order[1:]):
                dx = batch.keypoints[other, :, 0] - batch.keypoints[best, :, 0]
                dy = batch.keypoints[other, :, 1] - batch.keypoints[best, :, 1]
                mean_area = (batch.areas[best] + batch.areas[other]) / 2 + np.spacing(1)
                exponent = (dx**2 + dy**2) / variances / mean_area / 2
                similar[n] = np.sum(np.exp(-exponent)) / len(exponent)
            order = order[1:][similar <= thr]
    return kept


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    sizes = np.minimum(rng.geometric(1 / MEAN_CROWD, options.pictures), LARGEST_CROWD)
    batch = make_crowds(sizes, seed=0).batch
    poses = len(batch.scores)
    started = time.perf_counter()
    expected = reference_hard(batch, NmsConfig().thr)
    yardstick = time.perf_counter() - started
    rows = {"reference hard": [yardstick]}
    for backend, method in RUNS:
        found, config = find_backend(backend, method), NmsConfig(method=method)
        kept = suppress(found, batch, config)  # also the warm-up
        if method == "hard" and kept.rows.tolist() != expected:
            raise SystemExit(f"{backend} keeps other poses than the reference")
        rows[f"{backend} {method}"] = measure(partial(found, batch, config), options.repeat)
    table = make_table(
        f"{options.pictures} pictures, {poses} poses", ("", "µs/picture", "spread", "speed-up")
    )
    for name, seconds in rows.items():
        micro = [1e6 * one / options.pictures for one in seconds]
        table.add_row(
            name,
            f"{statistics.median(micro):.1f}",
            f"{min(micro):.1f}-{max(micro):.1f}",
            f"{yardstick / statistics.median(seconds):.0f}x",
        )
    stdout.print(table)
    rate = exponentials_per_second()
    pairs = int((sizes * (sizes - 1) // 2).sum())
    needed = pairs * len(batch.sigmas)
    own = needed / statistics.median(rows["numba matrix"])
    stdout.print(
        f"All cores do {rate / 1e9:.2f} G exponentials a second in one long loop. matrix needs"
        f" {needed / 1e6:.0f} M of them ({pairs / 1e6:.2f} M pairs) and does {own / 1e9:.2f} G/s:"
        f" {own / rate:.0%} of that limit. hard looks at"
        f" {pairs / statistics.median(rows['numba hard']) / 1e9:.2f} G pairs a second.",
        highlight=False,
    )
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"poses": poses, "seconds": rows}, indent=1))


@numba.njit(fastmath={"reassoc", "contract", "nsz"})
def _sum_of_exponentials(values: np.ndarray, scale: float) -> float:
    total = 0.0
    for i in range(len(values)):  # over the array itself it would not vectorise
        total += _exponential(min(values[i] * scale, 40.0))
    return total


@numba.njit(parallel=True)
def _exponentials(values: np.ndarray, rounds: int) -> float:
    total = 0.0
    for block in numba.prange(rounds):
        total += _sum_of_exponentials(values, 1 + block * 1e-9)
    return total


def exponentials_per_second() -> float:
    """What all cores reach when they do nothing else."""
    values, rounds = np.linspace(0, 30, 1000), 40_000
    _exponentials(values, 10)
    seconds = measure(lambda: _exponentials(values, rounds), 3)
    return len(values) * rounds / min(seconds)


def measure(run: Callable[[], object], repeat: int) -> list[float]:
    """Seconds of each repeat."""
    seconds = []
    for _ in range(repeat):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return seconds


if __name__ == "__main__":
    main()
