"""Greedy suppression and its absence: plain, readable, the definition for every other backend."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nms_backends.contract import Int64Array, Kept, NmsConfig, PoseBatch
from nms_backends.oks import descending, similarity_to


def _by_picture(batch: PoseBatch, keep: Callable[[Int64Array], Int64Array]) -> Kept:
    """Apply ``keep`` to each picture's rows, given in descending score."""
    kept = []
    for first, last in zip(batch.offsets[:-1], batch.offsets[1:], strict=True):
        kept.append(keep(first + descending(batch.scores[first:last])))
    rows = np.concatenate([*kept, np.empty(0, dtype=np.int64)])
    offsets = np.concatenate([[0], np.cumsum([len(k) for k in kept])]).astype(np.int64)
    return Kept(rows, batch.scores[rows], offsets)


class Hard:
    """Take the best pose, drop those with OKS over ``thr``, repeat. Scores stay as they are."""

    name = "hard"
    methods: tuple[str, ...] = ("hard",)

    def __call__(self, batch: PoseBatch, config: NmsConfig) -> Kept:
        """Suppress greedily in each picture."""

        def keep(order: Int64Array) -> Int64Array:
            kept = []
            while len(order):
                best, order = order[0], order[1:]
                kept.append(best)
                similar = similarity_to(batch, best, order, config.oks_vis_thr)
                order = order[similar <= config.thr]
            return np.array(kept, dtype=np.int64)

        return _by_picture(batch, keep)


class NoSuppression:
    """Order only: everything is kept, best first."""

    name = "none"
    methods: tuple[str, ...] = ("none",)

    def __call__(self, batch: PoseBatch, config: NmsConfig) -> Kept:
        """Sort each picture's poses by score."""
        return _by_picture(batch, lambda order: order)
