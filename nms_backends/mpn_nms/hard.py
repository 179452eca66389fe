"""Greedy suppression and its absence: plain, readable, the definition for every other backend."""

from __future__ import annotations

import numpy as np

from mpn_nms.contract import FloatArray, Int64Array, Kept, NmsConfig, PoseBatch
from mpn_nms.oks import similarity_to
from mpn_nms.plain import by_picture


class Hard:
    """Take the best pose, drop those with OKS over ``thr``, repeat. Scores stay as they are."""

    name = "hard"
    methods: tuple[str, ...] = ("hard",)

    def __call__(self, batch: PoseBatch, config: NmsConfig) -> Kept:
        """Suppress greedily in each picture."""

        def keep(order: Int64Array) -> tuple[Int64Array, FloatArray]:
            kept = []
            while len(order):
                best, order = order[0], order[1:]
                kept.append(best)
                similar = similarity_to(batch, best, order, config.oks_vis_thr)
                order = order[similar <= config.thr]
            rows = np.array(kept, dtype=np.int64)
            return rows, batch.scores[rows]

        return by_picture(batch, keep)


class NoSuppression:
    """Order only: everything is kept, best first."""

    name = "none"
    methods: tuple[str, ...] = ("none",)

    def __call__(self, batch: PoseBatch, config: NmsConfig) -> Kept:
        """Sort each picture's poses by score."""
        return by_picture(batch, lambda order: (order, batch.scores[order]))
