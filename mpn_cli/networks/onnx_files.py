"""Other people's networks from ONNX files, run by OpenVINO or ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import numpy as np

from mpn_cli.base.arrays import Float32Array
from mpn_cli.networks.onnx_names import OnnxName

Shape = tuple[int, ...]
"""Sides that may vary are -1."""


class OnnxNetwork:
    """A network with one picture input (N, 3, H, W) and its outputs.

    Raises InputError with one line for a file that is damaged, no ONNX, or not of that form.
    """

    def __init__(self, name: OnnxName, threads: int | None) -> None:
        self.name = name
        if find_spec("openvino") is not None:
            opened = _open_with_openvino
        elif find_spec("onnxruntime") is not None:
            opened = _open_with_onnxruntime
        else:
            raise name.error("needs OpenVINO or ONNX Runtime; pip install openvino")
        try:
            with _silent_libraries():
                inputs, outputs, run = opened(str(name.file), threads)
        except Exception as error:  # each runtime has its own kinds
            raise name.error("not a network that can be run: damaged, or no ONNX") from error
        if len(inputs) != 1 or len(inputs[0]) != 4 or inputs[0][1] != 3:
            raise name.error(f"its inputs are {inputs}, not one picture (N, 3, H, W)")
        self.input_shape = inputs[0]
        self.output_shapes = outputs
        self._run = run

    def input_size(self, usual: tuple[int, int]) -> tuple[int, int]:
        """(width, height); ``usual`` where the file leaves it open."""
        height, width = self.input_shape[2:]
        return (width if width > 0 else usual[0], height if height > 0 else usual[1])

    def __call__(self, pixels: Float32Array) -> list[Float32Array]:
        """All outputs for (N, 3, H, W); one by one where the file fixes N to 1."""
        if self.input_shape[0] in (-1, len(pixels)):
            return self._run(pixels)
        step = self.input_shape[0]
        if len(pixels) % step:
            raise self.name.error(f"takes {step} pictures at once; give --batch {step}")
        parts = [self._run(pixels[i : i + step]) for i in range(0, len(pixels), step)]
        return [np.concatenate(one) for one in zip(*parts, strict=True)]


@contextmanager
def _silent_libraries() -> Iterator[None]:
    """What libraries write to stderr by themselves about a damaged file goes nowhere."""
    before = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)


_Opened = tuple[list[Shape], list[Shape], Callable[[Float32Array], list[Float32Array]]]


def _open_with_openvino(file: str, threads: int | None) -> _Opened:
    from mpn_cli.networks.openvino_models import compiled
    from mpn_cli.networks.openvino_offline import openvino

    network = openvino.Core().read_model(file)
    request = compiled(network, threads).create_infer_request()

    def shape(port: openvino.Output) -> Shape:
        return tuple(int(d.get_length()) if d.is_static else -1 for d in port.get_partial_shape())

    def run(pixels: Float32Array) -> list[Float32Array]:
        request.infer({0: np.ascontiguousarray(pixels)}, share_inputs=True)
        return [
            np.array(request.get_output_tensor(i).data, dtype=np.float32)
            for i in range(len(network.outputs))
        ]

    return [shape(p) for p in network.inputs], [shape(p) for p in network.outputs], run


def _open_with_onnxruntime(file: str, threads: int | None) -> _Opened:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def shape(sides: list[int | str | None]) -> Shape:
        return tuple(side if isinstance(side, int) else -1 for side in sides)

    def run(pixels: Float32Array) -> list[Float32Array]:
        return [
            np.asarray(one, dtype=np.float32)
            for one in session.run(None, {name: np.ascontiguousarray(pixels)})
        ]

    return (
        [shape(one.shape) for one in session.get_inputs()],
        [shape(one.shape) for one in session.get_outputs()],
        run,
    )
