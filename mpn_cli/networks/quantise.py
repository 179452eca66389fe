"""The int8 form of a weight file, for ``--precision int8``.

Post-training quantisation by NNCF: the ranges of activations are measured on one labelled person
per picture, in pictures spread over a data set. Two parts stay in floating point: the head's
product with weights that depend on the attention (a thirtieth of the time), which OpenVINO 2026.4
can't run quantised; and the first layers, whose rounding would cause 40 % of the total error in the
heatmaps.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from mpn_models.registry import MODELS, Model
from mpn_models.weights import read_header

from mpn_cli.base.arrays import Picture
from mpn_cli.base.errors import InputError
from mpn_cli.formats.coco import LABELS
from mpn_cli.geometry.crops import regions_of_boxes, warp_crop
from mpn_cli.networks.openvino_forms import HASH_PATH, int8_form, save_form
from mpn_cli.networks.pose_openvino import convert_weights
from mpn_cli.sources.gather import gather
from mpn_cli.sources.reading import UnreadableError, read_picture

CALIBRATION_CROPS = 300

_FLOATING_LAYERS = [r".*\.stem\..*", r".*\.encoder\.[01]\..*"]
"""Name patterns of layers that stay in floating point: the stem and the first two bottlenecks."""


def calibration_crops(data: Path, model: Model, count: int) -> list[Picture]:
    """Crops (1, H, W, 3) of one person per picture, from at most ``count`` pictures of a data set.

    data: its JSON file, or a folder with person_keypoints.json.

    Raises InputError if there are no people, or a picture can't be read.
    """
    file = data / LABELS if data.is_dir() else data
    tasks = [task for task in gather([str(file)]).tasks if task.boxes]
    if not tasks:
        raise InputError(f"{data}: nobody with a box to calibrate with")
    crops = []
    for task in tasks[:: max(1, len(tasks) // count)][:count]:
        assert task.boxes is not None
        box = task.boxes[0]
        region = regions_of_boxes(
            np.array([[box.x, box.y, box.width, box.height]]), model.input_size
        )
        try:
            picture = read_picture(task.path, task.size)
        except UnreadableError as error:
            raise InputError(f"{task.path}: not a picture that can be read ({error})") from None
        crop = warp_crop(picture, region.centres[0], region.sizes[0], model.input_size)
        crops.append(crop[None])
    return crops


def quantise(data: Path, weights: Path, count: int = CALIBRATION_CROPS) -> Path:
    """Write the int8 form beside a weight file: ``WEIGHTS-int8.xml``, ``.bin``, ``.sha256``.

    data: a COCO data set with labelled people; count: the maximum number of pictures to calibrate
    on. Returns the XML file. Raises InputError if NNCF is not installed, the data can't be used, or
    files of these names exist that mpn did not write; WeightsError for damaged weights.
    """
    if find_spec("nncf") is None:
        raise InputError(
            "NNCF, which quantises, is not installed; pip install 'mobileposenet[int8]'"
        )
    header = read_header(weights)
    form = int8_form(weights)
    _check_form(form)
    if header.model not in MODELS:
        raise InputError(f"{weights}: weights of {header.model}, which is no pose network")
    model = MODELS[header.model]
    crops = calibration_crops(data, model, count)
    import nncf  # it imports OpenVINO, which must be silenced first

    network = nncf.quantize(
        convert_weights(model, weights),
        nncf.Dataset(crops),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(crops),
        ignored_scope=nncf.IgnoredScope(patterns=_FLOATING_LAYERS, types=["MatMul"]),
    )
    network.set_rt_info(header.sha256, HASH_PATH)
    save_form(network, form)
    return form


def _check_form(form: Path) -> None:
    """Raise InputError if the IR's files can't be written, or exist and were not written by mpn."""
    if not os.access(form.parent, os.W_OK):
        raise InputError(f"{form.parent}/: no right to write there")
    files = form, form.with_suffix(".bin"), form.with_suffix(".sha256")
    existing = [file for file in files if os.path.lexists(file)]
    if existing and not (form.is_file() and HASH_PATH[-1].encode() in form.read_bytes()):
        raise InputError(f"{existing[0]} is there already, and mpn did not write it; move it away")
