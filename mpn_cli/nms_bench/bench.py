"""The NMS backends side by side: right first, then timed."""

from __future__ import annotations

import contextlib
import dataclasses
import statistics
import time
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from mpn_nms.contract import Kept, NmsBackend, NmsConfig
from mpn_nms.hard import Hard
from mpn_nms.plain_matrix import PlainMatrix
from mpn_nms.plugins import Plugin, PluginError
from mpn_nms.registry import BACKENDS, make_backend, suppress
from mpn_nms.soft import Soft

from mpn_cli.evaluation.coco import Truth, keypoint_numbers
from mpn_cli.nms_bench.candidates import Candidates, make_crowds

DEFINITIONS: tuple[NmsBackend, ...] = (Hard(), Soft(), PlainMatrix())

SCORE_TOLERANCE = 1e-6

CROWD_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500)
"""Poses per picture in the plot."""

CROWD_POSES = 2000
"""Poses timed together for each size."""

CROWD_REPEATS = 3


class Row(msgspec.Struct):
    """One backend with one method."""

    backend: str
    method: str
    agrees: str
    """With the method's definition: "yes", how many pictures differ, or "-" if there is none."""
    ap: float | None
    kept: int
    microseconds: float
    """Microseconds per picture, the median of the repeats."""
    spread: tuple[float, float]
    microseconds_per_pose: float
    pictures_per_second: float
    against_hard: float | None = None
    """How many times as fast as ``hard``."""


def run_bench(
    candidates: Candidates,
    names: Sequence[str] | None,
    config: NmsConfig,
    repeat: int,
    truth: Truth | None,
    sigmas: Sequence[float] | None = None,
) -> list[Row]:
    """Check and time backends (all that load, if ``names`` is None) with all their methods.

    truth, sigmas: for AP, and its OKS constants where they are not COCO's.
    Raises PluginError for a name that is none, and whatever a broken backend raises.
    """
    expected: dict[str, Kept] = {}
    rows: list[Row] = []
    for plugin, backend in _chosen(names):
        for method in backend.methods:
            own = dataclasses.replace(config, method=method)
            kept = suppress(backend, candidates.batch, own)  # the warm-up too
            for definition in DEFINITIONS:
                if method in definition.methods and method not in expected:
                    expected[method] = suppress(definition, candidates.batch, own)
            numbers = keypoint_numbers(truth, candidates.results(kept), sigmas) if truth else None
            seconds = _timed(backend, candidates, own, repeat)
            pictures = candidates.batch.pictures
            micro = [1e6 * duration / pictures for duration in seconds]
            rows.append(
                Row(
                    backend=plugin.name,
                    method=method,
                    agrees=_agreement(kept, expected.get(method)),
                    ap=numbers["AP"] if numbers else None,
                    kept=len(kept.rows),
                    microseconds=statistics.median(micro),
                    spread=(min(micro), max(micro)),
                    microseconds_per_pose=1e6
                    * statistics.median(seconds)
                    / max(1, len(candidates.batch.scores)),
                    pictures_per_second=pictures / statistics.median(seconds),
                )
            )
    plain = next((row for row in rows if (row.backend, row.method) == ("hard", "hard")), None)
    for row in rows:
        row.against_hard = plain.microseconds / row.microseconds if plain else None
    return rows


def time_by_crowd(
    names: Sequence[str] | None, config: NmsConfig, sizes: Sequence[int], seed: int
) -> dict[str, list[float]]:
    """Microseconds per picture, for crowds of each of ``sizes`` poses, by backend and method."""
    measured: dict[str, list[float]] = {}
    for size in sizes:
        pictures = max(1, CROWD_POSES // size)
        crowds = make_crowds(np.full(pictures, size, dtype=np.int64), seed)
        for plugin, backend in _chosen(names):
            for method in backend.methods:
                own = dataclasses.replace(config, method=method)
                backend(crowds.batch, own)  # the warm-up
                seconds = min(_timed(backend, crowds, own, CROWD_REPEATS))
                key = f"{plugin.name}, {method}"
                measured.setdefault(key, []).append(1e6 * seconds / pictures)
    return measured


def _chosen(names: Sequence[str] | None) -> Iterator[tuple[Plugin, NmsBackend]]:
    if names is not None:
        for plugin in map(BACKENDS.find, names):
            yield plugin, make_backend(plugin)
        return
    for plugin in BACKENDS.all:
        # `mpn backends` says what does not load and why; it must not break what does.
        with contextlib.suppress(PluginError):
            yield plugin, make_backend(plugin)


def _timed(
    backend: NmsBackend, candidates: Candidates, config: NmsConfig, repeat: int
) -> list[float]:
    backend(candidates.batch, config)  # the checks before have left the caches cold
    seconds = []
    for _ in range(repeat):
        started = time.perf_counter()
        backend(candidates.batch, config)
        seconds.append(time.perf_counter() - started)
    return seconds


def _agreement(kept: Kept, expected: Kept | None) -> str:
    if expected is None:
        return "-"
    differ = 0
    for picture in range(len(expected.offsets) - 1):
        ours = slice(kept.offsets[picture], kept.offsets[picture + 1])
        theirs = slice(expected.offsets[picture], expected.offsets[picture + 1])
        differ += not (
            np.array_equal(np.sort(kept.rows[ours]), np.sort(expected.rows[theirs]))
            and np.allclose(kept.scores[ours], expected.scores[theirs], atol=SCORE_TOLERANCE)
        )
    return f"{differ} differ" if differ else "yes"
