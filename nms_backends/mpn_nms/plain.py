"""What the plain backends share: one picture after the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mpn_nms.contract import FloatArray, Int64Array, Kept, PoseBatch
from mpn_nms.oks import descending

OnePicture = Callable[[Int64Array], tuple[Int64Array, FloatArray]]
"""From a picture's rows, in descending score, to those kept and their new scores."""


def by_picture(batch: PoseBatch, suppress_one: OnePicture) -> Kept:
    """Apply ``suppress_one`` to every picture of a batch."""
    rows: list[Int64Array] = [np.empty(0, dtype=np.int64)]
    scores: list[FloatArray] = [np.empty(0, dtype=batch.scores.dtype)]
    offsets = [0]
    for first, last in zip(batch.offsets[:-1], batch.offsets[1:], strict=True):
        kept, new_scores = suppress_one(first + descending(batch.scores[first:last]))
        rows.append(kept)
        scores.append(new_scores)
        offsets.append(offsets[-1] + len(kept))
    return Kept(np.concatenate(rows), np.concatenate(scores), np.array(offsets, dtype=np.int64))
