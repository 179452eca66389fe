"""COCO's AP of a network on held-out people, with their labelled boxes and flip test."""

from __future__ import annotations

import numpy as np
import torch
from mpn_models.network import MobilePoseNet

from mpn_cli.base.arrays import Float64Array
from mpn_cli.base.choices import Decode
from mpn_cli.base.skeletons import Skeleton
from mpn_cli.evaluation.coco import keypoint_numbers, load_truth
from mpn_cli.formats.coco import PERSON, PERSON_ID, Category, Image, PoseDataSet
from mpn_cli.formats.pose_results import content_of
from mpn_cli.geometry.crops import (
    PADDING,
    grid_to_picture,
    heatmap_size,
    normalise,
    regions_of_boxes,
)
from mpn_cli.geometry.decoding import average_flipped, decode
from mpn_cli.training.data_sets import to_content
from mpn_cli.training.pose.cache import CropCache
from mpn_cli.training.pose.people import labelled_person

_BATCH = 32

_BODY_SHARE = 0.53
"""The share of their boxes that COCO's people cover on average; OKS is relative to that area."""


def validation_ap(
    network: MobilePoseNet, cache: CropCache, skeleton: Skeleton, input_size: tuple[int, int]
) -> float:
    """AP at OKS 0.50:0.05:0.95 over the people of ``cache``; boxes stand in for segment areas."""
    keypoints, confidences = _estimate(network, cache, skeleton, input_size)
    people = cache.people
    ids = people.picture_ids.tolist()
    truth = PoseDataSet(
        images=[Image(one) for one in sorted(set(ids))],
        annotations=[
            labelled_person(
                row + 1,
                ids[row],
                people.boxes[row],
                people.keypoints[row],
                people.weights[row],
                area=_BODY_SHARE * float(people.boxes[row, 2:].prod()),
            )
            for row in range(len(people))
        ],
        categories=[Category(PERSON_ID, PERSON)],
    )
    poses = np.concatenate([keypoints, confidences[..., None]], axis=2)
    scores = np.array([pose[:, 2].mean() for pose in poses])
    found = content_of(poses, scores, ids, [PERSON_ID] * len(ids))
    return keypoint_numbers(load_truth(to_content(truth)), found, skeleton.sigmas)["AP"]


def _estimate(
    network: MobilePoseNet, cache: CropCache, skeleton: Skeleton, input_size: tuple[int, int]
) -> tuple[Float64Array, Float64Array]:
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
        keypoints[rows] = grid_to_picture(positions, regions, heatmap_size(input_size))
    return keypoints, confidences
