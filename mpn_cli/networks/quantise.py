"""Make the int8 form of a weight file, for ``--precision int8``: ``WEIGHTS-int8.xml``, ``.bin``
and their checksums.

    pip install '.[int8]'
    python -m mpn_cli.networks.quantise coco_train/person_keypoints.json [--weights FILE]

Post-training quantisation by NNCF: the ranges of activations are measured on one labelled person
of each of some pictures, spread over the data set. Two parts stay in floating point: the head's
product with the attention's own weights, a thirtieth of the time, which OpenVINO 2026.4 can't run
quantised; and the first layers, whose rounding would make 40 % of the whole difference to the
heatmaps.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec
import numpy as np
from mpn_models.registry import DEFAULT_MODEL, MODELS, Model
from mpn_models.weights import read_header

from mpn_cli.base.arrays import Picture
from mpn_cli.geometry.crops import regions_of_boxes, warp_crop
from mpn_cli.networks.openvino_forms import HASH_PATH, int8_form, save_form
from mpn_cli.networks.pose_openvino import convert_weights
from mpn_cli.sources.gather import gather
from mpn_cli.sources.reading import read_picture

import nncf  # isort: skip  # it imports OpenVINO, which must be silenced first

CALIBRATION_CROPS = 300

_FLOATING_LAYERS = [r".*\.stem\..*", r".*\.encoder\.[01]\..*"]
"""Patterns of their names in OpenVINO's form: the stem and the first two bottlenecks."""


def calibration_crops(data: str, model: Model, count: int) -> list[Picture]:
    """One person's crop (1, H, W, 3) of each of ``count`` pictures of a COCO data set."""
    tasks = [task for task in gather([data]).tasks if task.boxes]
    crops = []
    for task in tasks[:: max(1, len(tasks) // count)][:count]:
        assert task.boxes is not None
        box = np.array([msgspec.structs.astuple(task.boxes[0])[:4]])
        region = regions_of_boxes(box, model.input_size)
        picture = read_picture(task.path, task.size)
        crop = warp_crop(picture, region.centres[0], region.sizes[0], model.input_size)
        crops.append(crop[None])
    return crops


def quantise(weights: Path, data: str) -> Path:
    """Write the int8 form beside a weight file; its XML file."""
    header = read_header(weights)
    model = MODELS[header.model]
    crops = calibration_crops(data, model, CALIBRATION_CROPS)
    network = nncf.quantize(
        convert_weights(model, weights),
        nncf.Dataset(crops),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(crops),
        ignored_scope=nncf.IgnoredScope(patterns=_FLOATING_LAYERS, types=["MatMul"]),
    )
    network.set_rt_info(header.sha256, HASH_PATH)
    save_form(network, int8_form(weights))
    return int8_form(weights)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", help="a COCO data set with labelled people")
    parser.add_argument("--weights", type=Path, default=MODELS[DEFAULT_MODEL].weights)
    options = parser.parse_args()
    print(quantise(options.weights, options.data))
