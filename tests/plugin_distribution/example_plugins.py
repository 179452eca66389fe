"""A third party's plug-ins, one of each kind, written against ``mpn_cli.plugins`` alone."""

from collections.abc import Sequence

import numpy as np

from mpn_cli.plugins import (
    Conventions,
    Float32Array,
    Float64Array,
    FloatArray,
    Kept,
    NmsConfig,
    Picture,
    PoseBatch,
)


def iou(one: FloatArray, others: FloatArray) -> FloatArray:
    low = np.maximum(one[:2], others[:, :2])
    high = np.minimum(one[2:], others[:, 2:])
    overlap = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1)
    return np.asarray(overlap / (np.prod(one[2:] - one[:2]) + areas - overlap + 1e-9))


class KeypointBoxNms:
    """Greedy, by the IoU of the boxes around the joints."""

    name = "keypoint-box"
    methods = ("hard",)

    def __call__(self, batch: PoseBatch, config: NmsConfig) -> Kept:
        boxes = np.concatenate([batch.keypoints.min(axis=1), batch.keypoints.max(axis=1)], axis=1)
        rows, offsets = [], [0]
        for first, last in zip(batch.offsets[:-1], batch.offsets[1:], strict=True):
            order = first + np.argsort(-batch.scores[first:last], kind="stable")
            while len(order):
                rows.append(order[0])
                order = order[1:][iou(boxes[order[0]], boxes[order[1:]]) <= config.thr]
            offsets.append(len(rows))
        kept = np.array(rows, dtype=np.int64)
        return Kept(kept, batch.scores[kept], np.array(offsets, dtype=np.int64))


class Halves:
    """One person fills the left half of each picture, another the right one."""

    name = "halves"

    def __call__(self, pictures: Sequence[Picture]) -> list[Float64Array]:
        found = []
        for picture in pictures:
            height, width = picture.shape[:2]
            half = [0, 0, width / 2, height, 0.9]
            found.append(np.array([half, [width / 2, *half[1:]]]))
        return found


class Centre:
    """Every joint is in the middle of its crop."""

    joints = 17
    input_size = (96, 128)
    conventions = Conventions()

    def __init__(self, threads: int | None) -> None:
        self.threads = threads

    def heatmaps(self, crops: Picture) -> Float32Array:
        x, y = np.arange(25), np.arange(33)[:, None]
        peak = np.exp(-((x - 12) ** 2 + (y - 16) ** 2) / 8)
        return np.broadcast_to(peak, (len(crops), self.joints, 33, 25)).astype(np.float32)
