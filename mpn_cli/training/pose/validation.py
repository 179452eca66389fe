"""COCO's AP of a network on held-out people, with their labelled boxes and flip test."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mpn_models.network import MobilePoseNet

from mpn_cli.base.arrays import Float64Array
from mpn_cli.base.choices import Decode
from mpn_cli.base.skeletons import Skeleton
from mpn_cli.evaluation.coco import keypoint_numbers, load_truth
from mpn_cli.geometry.crops import (
    PADDING,
    grid_to_picture,
    normalise,
    regions_of_boxes,
)
from mpn_cli.geometry.decoding import average_flipped, decode
from mpn_cli.training.pose.cache import CropCache

_BATCH = 32


def validation_ap(
    network: MobilePoseNet, cache: CropCache, skeleton: Skeleton, input_size: tuple[int, int]
) -> float:
    """AP at OKS 0.50:0.05:0.95 over the people of ``cache``; boxes stand in for segment areas."""
    keypoints, confidences = _estimate(network, cache, skeleton, input_size)
    people = cache.people
    truth: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for i, (picture, box) in enumerate(zip(people.picture_ids.tolist(), people.boxes, strict=True)):
        labelled = 2 * (people.weights[i] > 0)
        labels = np.column_stack([people.keypoints[i], labelled])
        # COCO's people cover 0.53 of their boxes on average; OKS is relative to that area.
        truth.append({
            "id": i + 1, "image_id": picture, "category_id": 1, "iscrowd": 0,
            "bbox": box.tolist(), "area": float(0.53 * box[2] * box[3]),
            "keypoints": labels.reshape(-1).tolist(), "num_keypoints": int((labelled > 0).sum()),
        })  # fmt: skip
        pose = np.column_stack([keypoints[i], confidences[i]])
        found.append({
            "image_id": picture, "category_id": 1, "keypoints": pose.reshape(-1).tolist(),
            "score": float(confidences[i].mean()),
        })  # fmt: skip
    content = {
        "images": [{"id": i} for i in sorted(set(people.picture_ids.tolist()))],
        "annotations": truth,
        "categories": [{"id": 1, "name": "person"}],
    }
    return keypoint_numbers(load_truth(content), found, skeleton.sigmas)["AP"]


def _estimate(
    network: MobilePoseNet, cache: CropCache, skeleton: Skeleton, input_size: tuple[int, int]
) -> tuple[Float64Array, Float64Array]:
    width, height = input_size
    keypoints = np.empty((len(cache), skeleton.joints, 2))
    confidences = np.empty((len(cache), skeleton.joints))
    network.eval()
    device = next(network.parameters()).device
    for start in range(0, len(cache), _BATCH):
        rows = range(start, min(start + _BATCH, len(cache)))
        crops = np.stack([cache.plain_crop(row, input_size) for row in rows])
        both = normalise(np.concatenate([crops, crops[:, :, ::-1]]))
        with torch.inference_mode():
            heatmaps = network(torch.from_numpy(both).to(device)).float().cpu().numpy()
        averaged = average_flipped(
            heatmaps[: len(rows)], heatmaps[len(rows) :], skeleton.flip_permutation
        )
        positions, confidences[rows] = decode(averaged, Decode.DARK)
        regions = regions_of_boxes(cache.people.boxes[rows], input_size, PADDING)
        keypoints[rows] = grid_to_picture(positions, regions, (width // 4, height // 4))
    return keypoints, confidences
