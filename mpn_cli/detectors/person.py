"""The built-in person detector (:mod:`models.detector`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from models.architecture import DETECTOR_STRIDE
from models.registry import PERSON_DETECTOR
from mpn_cli.arrays import Float32Array, Float64Array, Picture
from mpn_cli.detectors.boxes import (
    SCORE_FLOOR,
    centre_boxes,
    clip_boxes,
    input_shape,
    letterbox,
)
from mpn_cli.detectors.contract import NetworkDetector
from mpn_cli.errors import InputError
from mpn_cli.pipeline.recipe import Runtime

PADDING = 124
"""Grey level around scaled pictures, in training and in use: about 0 to the network."""

LIMIT = 300

Network = Callable[[Picture], Float32Array]
"""(1, H, W, 3) uint8 RGB -> (1, 5, H / 8, W / 8)."""


class PersonBoxes(NetworkDetector):
    """One-stage, on our own encoder; pictures are scaled to 416 pixels on their longer side."""

    name = "person"

    def __init__(
        self, runtime: Runtime = Runtime.TORCH, threads: int | None = None, device: str = "cpu"
    ) -> None:
        if runtime is Runtime.OPENVINO:
            self._network = _openvino(threads)
        else:
            self._network = _torch(threads, device)

    @classmethod
    def weights_sha256(cls) -> str:
        """The hash of the shipped weights. Raises InputError where they are damaged."""
        from models.weights import WeightsError, read_header

        try:
            return read_header(PERSON_DETECTOR.weights).sha256
        except WeightsError as error:
            raise InputError(str(error)) from None

    @classmethod
    def prepare(cls, runtime: Runtime) -> None:
        """Make OpenVINO's form, if it is wanted and not there yet."""
        if runtime is Runtime.OPENVINO:
            openvino_form()

    def __call__(self, pictures: Sequence[Picture]) -> list[Float64Array]:
        """(N, 5) for each picture."""
        return [self._boxes(picture) for picture in pictures]

    def _boxes(self, picture: Picture) -> Float64Array:
        boxed = letterbox(picture, input_shape(picture, PERSON_DETECTOR.long_side), PADDING)
        output = self._network(boxed.pixels[None])[0]
        boxes, scores = centre_boxes(output, DETECTOR_STRIDE, SCORE_FLOOR, LIMIT)
        clipped = clip_boxes(boxes / boxed.scale, picture.shape[1], picture.shape[0])
        return np.column_stack([clipped, scores])


def openvino_form() -> Path:
    """The detector's OpenVINO form in the user's cache, made at its first use."""
    from models.weights import load_weights
    from mpn_cli.runtimes.forms import cached_form
    from mpn_cli.runtimes.openvino_cpu import convert
    from mpn_cli.runtimes.openvino_offline import openvino

    def make() -> openvino.Model:
        from models.detector import fold_detector  # brings torch: only where a form is made

        network = fold_detector(load_weights(PERSON_DETECTOR.weights, PERSON_DETECTOR)[0])
        side = PERSON_DETECTOR.long_side
        return convert(network, (side, side), [1, 3, -1, -1])

    return cached_form(PERSON_DETECTOR.name, PersonBoxes.weights_sha256(), make)


def _openvino(threads: int | None) -> Network:
    from mpn_cli.runtimes.openvino_cpu import compiled

    request = compiled(openvino_form(), threads).create_infer_request()

    def run(pixels: Picture) -> Float32Array:
        return np.asarray(request.infer({0: pixels}, share_inputs=True)[0], dtype=np.float32)

    return run


def _torch(threads: int | None, device: str) -> Network:
    import torch

    from models.detector import fold_detector
    from models.network import channels_last
    from models.weights import load_weights
    from mpn_cli.pipeline.crops import normalise

    if threads is not None:
        torch.set_num_threads(threads)
    network = channels_last(
        fold_detector(load_weights(PERSON_DETECTOR.weights, PERSON_DETECTOR)[0])
    ).to(device)

    def run(pixels: Picture) -> Float32Array:
        with torch.inference_mode():
            output: Float32Array = (
                network(torch.from_numpy(normalise(pixels)).to(device)).cpu().numpy()
            )
        return output

    return run
