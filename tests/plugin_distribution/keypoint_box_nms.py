"""A third party's NMS backend: greedy, by the IoU of the boxes around the joints."""

import numpy as np
from mpn_nms.contract import FloatArray, Kept, NmsConfig, PoseBatch


def iou(one: FloatArray, others: FloatArray) -> FloatArray:
    low = np.maximum(one[:2], others[:, :2])
    high = np.minimum(one[2:], others[:, 2:])
    overlap = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1)
    return np.asarray(overlap / (np.prod(one[2:] - one[:2]) + areas - overlap + 1e-9))


class KeypointBoxNms:
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
