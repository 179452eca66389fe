"""Soft suppression (Bodla et al. 2017, with OKS): plain, readable, the definition of ``soft``."""

from __future__ import annotations

import numpy as np

from mpn_nms.contract import FloatArray, Int64Array, Kept, NmsConfig, PoseBatch
from mpn_nms.oks import descending, similarity_to
from mpn_nms.plain import by_picture

GAUSSIAN, LINEAR = "soft", "soft-linear"


class Soft:
    """Take the best remaining pose, lower the scores of those similar to it, re-sort; repeat.

    ``soft`` multiplies by exp(-O^2 / thr), ``soft-linear`` by (1 - O) where O >= thr. At most
    ``max_dets`` poses per picture are kept.
    """

    name = "soft"
    methods: tuple[str, ...] = (GAUSSIAN, LINEAR)

    def __call__(self, batch: PoseBatch, config: NmsConfig) -> Kept:
        """Suppress softly in each picture."""

        def take(order: Int64Array) -> tuple[Int64Array, FloatArray]:
            rows: list[int] = []
            scores: list[float] = []
            left = np.asarray(batch.scores[order], dtype=np.float64)
            for _ in range(min(config.max_dets, len(order))):
                rows.append(int(order[0]))
                scores.append(float(left[0]))
                best, order = order[0], order[1:]
                similar = similarity_to(batch, best, order, config.oks_vis_thr)
                left = left[1:] * _decay(similar, config)
                again = descending(left)
                order, left = order[again], left[again]
            return np.array(rows, dtype=np.int64), np.array(scores, dtype=np.float64)

        return by_picture(batch, take)


def _decay(similar: FloatArray, config: NmsConfig) -> FloatArray:
    if config.method == LINEAR:
        return np.where(similar >= config.thr, 1 - similar, 1.0)
    return np.asarray(np.exp(-(similar**2) / config.thr))
