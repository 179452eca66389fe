"""The folded network in OpenVINO on the CPU: about twice as fast as torch."""

from __future__ import annotations

import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import openvino
import platformdirs
from openvino.preprocess import PrePostProcessor

from models.registry import Model
from mpn_cli.arrays import Float32Array, Picture
from mpn_cli.errors import InputError
from mpn_cli.pipeline.crops import PIXEL_MEAN, PIXEL_STD

HASH_PATH = ["mpn", "weights_sha256"]
"""Where an int8 form says of which weights it was made."""

FORM_VERSION = 1
"""Counts changes of the form's content, which make cached ones stale."""


class OpenVinoEstimator:
    """OpenVINO's own form of the network, with the pixels' normalisation inside.

    form: its XML file (:func:`openvino_form`); threads: CPU threads, all cores if None.
    """

    def __init__(self, form: Path, model: Model, threads: int | None) -> None:
        self.input_size = model.input_size
        self.joints = model.joints
        options = {
            # By itself OpenVINO takes bfloat16 where the processor has it: half as fast here.
            "INFERENCE_PRECISION_HINT": "f32",
            "NUM_STREAMS": "1",
            # Pinned, all worker processes would sit on the first cores.
            "ENABLE_CPU_PINNING": "NO",
        }
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = str(threads)
        self._request = openvino.Core().compile_model(form, "CPU", options).create_infer_request()

    def heatmaps(self, crops: Picture) -> Float32Array:
        """Crops (N, H, W, 3) uint8 RGB -> heatmaps (N, K, h, w) float32."""
        result = self._request.infer({0: crops}, share_inputs=True, share_outputs=True)
        return np.array(result[0], dtype=np.float32)


def openvino_form(model: Model, weights: Path, sha256: str) -> Path:
    """The form's XML file in the user's cache, made at a weight file's first use.

    sha256: the hash in the weight file's header, which names the form.

    Raises WeightsError for damaged weights, InputError where the cache can't be written.
    """
    key = f"{sha256[:24]}-{FORM_VERSION}-{version('openvino')}"
    folder = Path(platformdirs.user_cache_dir("mpn")) / "openvino" / key
    form = folder / "network.xml"
    if form.is_file():
        return form
    network = convert(model, weights)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
        try:
            openvino.save_model(network, unfinished / form.name, compress_to_fp16=False)
            unfinished.rename(folder)
        except OSError:
            if not form.is_file():  # else another process was first
                raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    except (OSError, RuntimeError) as error:
        raise InputError(f"{folder}: the cached network can't be written: {error}") from None
    return form


def int8_form(weights: Path) -> Path:
    """Where the int8 form of a weight file stands, if it has one: made by ``quantise``."""
    return weights.with_name(f"{weights.stem}-int8.xml")


def checked_int8_form(weights: Path, sha256: str) -> Path:
    """The int8 form beside a weight file. Raises InputError if there is none of these weights."""
    form = int8_form(weights)
    if not form.is_file():
        raise InputError(f"--precision int8: {weights} has no int8 form ({form.name}) beside it")
    network = openvino.Core().read_model(form)
    if not network.has_rt_info(HASH_PATH) or network.get_rt_info(HASH_PATH).astype(str) != sha256:
        raise InputError(f"--precision int8: {form} was made of other weights than {weights.name}")
    return form


def convert(model: Model, weights: Path) -> openvino.Model:
    """OpenVINO's form of a weight file: uint8 crops (N, H, W, 3) -> heatmaps (N, K, h, w).

    Raises WeightsError.
    """
    import torch

    from models.folded import fold
    from models.weights import load_weights

    width, height = model.input_size
    network, _ = load_weights(weights, model)
    converted = openvino.convert_model(
        fold(network), example_input=torch.zeros(1, 3, height, width)
    )
    converted.reshape([-1, 3, height, width])
    steps = PrePostProcessor(converted)
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    pixels = steps.input().preprocess().convert_element_type(openvino.Type.f32)
    pixels.mean([255 * mean for mean in PIXEL_MEAN]).scale([255 * std for std in PIXEL_STD])
    return steps.build()
