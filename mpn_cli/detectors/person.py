"""The built-in person detector: NanoDet-g (:mod:`mpn_models.nanodet`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from mpn_models.registry import PERSON_DETECTOR
from mpn_models.weights import load_weights, read_header

from mpn_cli.base.arrays import Float32Array, Float64Array, Picture
from mpn_cli.base.choices import Precision, Runtime
from mpn_cli.base.recipe import DetectorSetup
from mpn_cli.detectors.contract import NetworkDetector
from mpn_cli.geometry.boxes import cell_boxes, clip_boxes, input_shape, letterbox
from mpn_cli.geometry.crops import normalise
from mpn_cli.networks.sources import weights_errors

if TYPE_CHECKING:
    from mpn_cli.networks.openvino_offline import openvino

PADDING = 114
"""Grey level around scaled pictures."""

SCORE_FLOOR = 0.05
"""Cells with a lower score are dropped, as in the published network's own tests."""

Network = Callable[[Picture], Float32Array]
"""(1, H, W, 3) uint8 RGB -> (1, 5, N): scores and distances of all cells."""


class PersonBoxes(NetworkDetector):
    """NanoDet-g on pictures scaled to a long side of ``setup.long_side`` pixels."""

    name = "person"
    one_by_one = True

    def __init__(self, setup: DetectorSetup, threads: int | None, device: str = "cpu") -> None:
        self._long_side = setup.long_side
        with weights_errors():
            if setup.runtime is Runtime.OPENVINO:
                self._network = _openvino(_form(setup.precision), threads)
            else:
                self._network = _torch(threads, device)

    @classmethod
    def weights_sha256(cls) -> str:
        """The hash of the shipped weights. Raises InputError where they are damaged."""
        with weights_errors():
            return read_header(PERSON_DETECTOR.weights).sha256

    @classmethod
    def prepare(cls, setup: DetectorSetup) -> None:
        """Make OpenVINO's fp32 form, if it is wanted and not there yet."""
        if setup.runtime is Runtime.OPENVINO:
            with weights_errors():
                _form(setup.precision)

    def __call__(self, pictures: Sequence[Picture]) -> list[Float64Array]:
        """(N, 5) for each picture."""
        return [self._boxes(picture) for picture in pictures]

    def _boxes(self, picture: Picture) -> Float64Array:
        height, width = picture.shape[:2]
        size = input_shape(picture, self._long_side)
        boxed = letterbox(picture, size, PADDING, cv2.INTER_LINEAR)
        boxes, scores = cell_boxes(self._network(boxed.pixels[None])[0], size)
        likely = scores >= SCORE_FLOOR
        clipped = clip_boxes(boxes[likely] / boxed.scale, width, height)
        return np.column_stack([clipped, scores[likely]])


def convert_weights(weights: Path) -> openvino.Model:
    """OpenVINO's fp32 form of a weight file: uint8 RGB (1, H, W, 3) -> (1, 5, N).

    Raises WeightsError.
    """
    from mpn_cli.networks.openvino_models import convert

    network, _ = load_weights(weights, PERSON_DETECTOR)
    side = PERSON_DETECTOR.long_side
    return convert(network, (side, side), [1, 3, -1, -1])


def _form(precision: Precision) -> Path:
    """The OpenVINO file of a precision: the shipped int8 one, or an fp32 one in the cache."""
    from mpn_cli.networks.openvino_forms import cached_form, checked_int8_form

    weights, sha256 = PERSON_DETECTOR.weights, PersonBoxes.weights_sha256()
    if precision is Precision.INT8:
        return checked_int8_form(weights, sha256)
    return cached_form(PERSON_DETECTOR.name, sha256, lambda: convert_weights(weights))


def _openvino(form: Path, threads: int | None) -> Network:
    from mpn_cli.networks.openvino_models import compiled

    request = compiled(form, threads).create_infer_request()

    def run(pixels: Picture) -> Float32Array:
        return np.asarray(request.infer({0: pixels}, share_inputs=True)[0], dtype=np.float32)

    return run


def _torch(threads: int | None, device: str) -> Network:
    import torch
    from mpn_models.network import channels_last

    if threads is not None:
        torch.set_num_threads(threads)
    weights, _ = load_weights(PERSON_DETECTOR.weights, PERSON_DETECTOR)
    network = channels_last(weights.requires_grad_(False)).to(device)

    def run(pixels: Picture) -> Float32Array:
        with torch.inference_mode():
            output: Float32Array = (
                network(torch.from_numpy(normalise(pixels)).to(device)).cpu().numpy()
            )
        return output

    return run
