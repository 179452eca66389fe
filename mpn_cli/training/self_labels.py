"""Labels for joints that nobody labelled, from poses that a network found there.

    mpn annotate lspet/person_keypoints.json -o found --model best.safetensors
    python -m mpn_cli.training.self_labels lspet found/predictions.json -o lspet-more.json

Joints with visibility 0 take the found position where its confidence suffices, and that confidence
as their weight in the loss; labelled joints stay as they are. For data sets where 0 means
"not labelled", and not "not in the picture".
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from mpn_cli.formats.coco import Image
from mpn_cli.training.data_sets import find_pictures, read_data_set

LEAST_CONFIDENCE = 0.5

Found = dict[tuple[float, ...], list[float]]
"""Keypoints x, y, confidence by picture id and box."""


def read_found(predictions: Path) -> Found:
    """What ``mpn annotate`` found for a data set's own people."""
    return {
        (one["image_id"], *np.round(one["bbox"], 2)): one["keypoints"]
        for one in msgspec.json.decode(predictions.read_bytes())
    }


def add_labels(annotation: dict[str, Any], found: Found, least: float) -> int:
    """Fill an annotation's unlabelled joints, in place; how many were filled."""
    key = (annotation["image_id"], *np.round(annotation["bbox"], 2))
    if key not in found:
        return 0
    labels = np.array(annotation["keypoints"], dtype=np.float64).reshape(-1, 3)
    poses = np.array(found[key]).reshape(-1, 3)
    weights = np.array(annotation.get("keypoint_confidences", labels[:, 2] > 0), dtype=np.float64)
    filled = (labels[:, 2] == 0) & (poses[:, 2] >= least)
    labels[filled] = np.column_stack([poses[filled, :2], np.ones(filled.sum())])
    weights[filled] = poses[filled, 2]
    annotation["keypoints"] = labels.ravel().tolist()
    annotation["keypoint_confidences"] = weights.tolist()
    annotation["num_keypoints"] = int((labels[:, 2] > 0).sum())
    return int(filled.sum())


def main() -> None:
    """Write a data set with more labels; its pictures stay where they are."""
    arguments = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    arguments.add_argument("data", type=Path, help="a COCO keypoint data set")
    arguments.add_argument("predictions", type=Path, help="of mpn annotate, for that data set")
    arguments.add_argument("-o", "--out", type=Path, required=True)
    arguments.add_argument("--least", type=float, default=LEAST_CONFIDENCE, help="confidence")
    given = arguments.parse_args()
    if given.out.exists():
        arguments.error(f"{given.out} is there already")
    file, _, content = read_data_set(given.data, dict[str, Any])
    images = msgspec.convert(content["images"], list[Image], strict=False)
    found_files = find_pictures(file, images, [one.id for one in images])
    for image, picture in zip(content["images"], found_files, strict=True):
        image["file_name"] = str(picture.path.absolute())
    found = read_found(given.predictions)
    joints = sum(add_labels(one, found, given.least) for one in content["annotations"])
    given.out.write_bytes(msgspec.json.encode(content))
    print(f"{given.out}: {joints} joints added to {len(content['annotations'])} people")


if __name__ == "__main__":
    main()
