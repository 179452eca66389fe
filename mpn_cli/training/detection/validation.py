"""COCO's box AP of a detector on held-out pictures."""

from __future__ import annotations

import numpy as np
import torch

from models.architecture import DETECTOR_STRIDE
from models.detector import PersonDetector
from mpn_cli.detectors.boxes import box_nms, centre_boxes, clip_boxes, letterbox
from mpn_cli.detectors.person import PADDING
from mpn_cli.evaluation.boxes import person_boxes_ap
from mpn_cli.pipeline.crops import normalise
from mpn_cli.training.detection.pictures import PictureCache

_SCORE_THR = 0.05
_BOX_NMS_THR = 0.65
_LIMIT = 100


def box_ap(network: PersonDetector, cache: PictureCache, input_size: tuple[int, int]) -> float:
    """AP at IoU 0.50:0.05:0.95 over the cached pictures."""
    network.eval()
    found = []
    for row in range(len(cache)):
        boxed = letterbox(cache.picture(row), input_size, PADDING)
        with torch.inference_mode():
            output = network(torch.from_numpy(normalise(boxed.pixels[None]))).numpy()[0]
        boxes, scores = centre_boxes(output, DETECTOR_STRIDE, _SCORE_THR, _LIMIT)
        width, height = cache.sizes[row]
        boxes = clip_boxes(boxes / boxed.scale, int(width), int(height))
        kept = box_nms(boxes, scores, _BOX_NMS_THR)
        found.append(np.column_stack([boxes, scores])[kept])
    return person_boxes_ap(cache.boxes, cache.labels.crowds, found)
