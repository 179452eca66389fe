"""Matrix suppression in plain numpy: what the fast ones are checked against (eq. 10)."""

from __future__ import annotations

import numpy as np

from nms_backends.contract import Kept, NmsConfig, PoseBatch
from nms_backends.matrix import GAUSSIAN, LINEAR, SMALLEST_DENOMINATOR
from nms_backends.oks import descending, similarity_to


class PlainMatrix:
    """Algorithm 1, a picture and a pose at a time. No entry point: a definition, not a choice."""

    name = "plain matrix"
    methods: tuple[str, ...] = (LINEAR, GAUSSIAN)

    def __call__(self, batch: PoseBatch, config: NmsConfig) -> Kept:
        """Suppress all pictures."""
        rows: list[int] = []
        scores: list[float] = []
        offsets = [0]
        for first, last in zip(batch.offsets[:-1], batch.offsets[1:], strict=True):
            order = first + descending(batch.scores[first:last])
            new = np.asarray(batch.scores[order], dtype=np.float64).copy()
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
            best = [k for k in descending(new)[: config.max_dets] if new[k] > config.score_thr]
            rows += order[best].tolist()
            scores += new[best].tolist()
            offsets.append(len(rows))
        return Kept(
            np.array(rows, dtype=np.int64),
            np.array(scores, dtype=np.float64),
            np.array(offsets, dtype=np.int64),
        )
