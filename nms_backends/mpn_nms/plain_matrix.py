"""Matrix suppression in plain numpy: what the fast ones are checked against (eq. 10)."""

from __future__ import annotations

import numpy as np

from mpn_nms.contract import FloatArray, Int64Array, Kept, NmsConfig, PoseBatch
from mpn_nms.oks import descending, similarity_to
from mpn_nms.plain import by_picture

LINEAR, GAUSSIAN = "matrix", "matrix-gaussian"

SMALLEST_DENOMINATOR = 1e-9
"""In place of 1 - comp where a pose is an exact duplicate of a better one: then it restrains
nobody, and its own original does."""


class PlainMatrix:
    """Algorithm 1, a picture and a pose at a time. No entry point: a definition, not a choice."""

    name = "plain matrix"
    methods: tuple[str, ...] = (LINEAR, GAUSSIAN)

    def __call__(self, batch: PoseBatch, config: NmsConfig) -> Kept:
        """Suppress all pictures."""

        def rescore(order: Int64Array) -> tuple[Int64Array, FloatArray]:
            new = np.array(batch.scores[order], dtype=np.float64)
            most_alike = np.zeros(len(order))
            for j in range(1, len(order)):
                similar = similarity_to(batch, int(order[j]), order[:j], config.oks_vis_thr)
                most_alike[j] = similar.max()
                if config.method == GAUSSIAN:
                    decay = np.exp(-(similar**2 - most_alike[:j] ** 2) / config.sigma)
                else:
                    apart = np.maximum(1 - most_alike[:j], SMALLEST_DENOMINATOR)
                    decay = (1 - similar) / apart
                new[j] *= min(1.0, decay.min())
            best = descending(new)[: config.max_dets]
            best = best[new[best] > config.score_thr]
            return order[best], new[best]

        return by_picture(batch, rescore)
