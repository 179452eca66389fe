"""Other people's networks from ONNX files, run by OpenVINO or ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np

from mpn_cli.base.arrays import Float32Array
from mpn_cli.networks.exported import ONNX_PROPERTY
from mpn_cli.networks.onnx_names import OnnxName

Shape = tuple[int, ...]
"""Dimensions of a tensor; those that may vary are -1."""

_Run = Callable[[Float32Array], list[Float32Array]]
"""Runs the network: (N, 3, H, W) -> all outputs."""

_Read = tuple[list[Shape], list[Shape], dict[str, str], Callable[[int | None], _Run]]
"""The input shapes, the output shapes, the properties that mpn reads, and a function that compiles
for a number of threads."""


class OnnxFile:
    """An ONNX file, read but not compiled: one picture input (N, 3, H, W) and its outputs.

    :meth:`compiled` compiles it. Raises InputError for a file that is damaged, is not an ONNX file,
    or has other inputs.
    """

    def __init__(self, name: OnnxName) -> None:
        self.name = name
        if find_spec("openvino") is not None:
            read = _read_with_openvino
        elif find_spec("onnxruntime") is not None:
            read = _read_with_onnxruntime
        else:
            raise name.error("needs OpenVINO or ONNX Runtime; pip install openvino")
        with _one_line_errors(name):
            inputs, self.output_shapes, self.properties, self._compile = read(str(name.file))
        if len(inputs) != 1 or len(inputs[0]) != 4 or inputs[0][1] != 3:
            raise name.error(f"its inputs are {inputs}, not one picture (N, 3, H, W)")
        self.input_shape = inputs[0]

    def input_size(self, usual: tuple[int, int]) -> tuple[int, int]:
        """(width, height) of the input; ``usual`` for the sides that the file leaves open."""
        height, width = self.input_shape[2:]
        return (width if width > 0 else usual[0], height if height > 0 else usual[1])

    def compiled(self, threads: int | None) -> OnnxSession:
        """The network ready to run on ``threads`` CPU threads, all cores if None.

        Raises InputError where the runtime can't run it.
        """
        with _one_line_errors(self.name):
            return OnnxSession(self.name, self.input_shape[0], self._compile(threads))


class OnnxSession:
    """A network from an ONNX file, ready to run.

    batch: the batch size that the file fixes, -1 if it leaves it open.
    """

    def __init__(self, name: OnnxName, batch: int, run: _Run) -> None:
        self.name = name
        self._batch = batch
        self._run = run

    def __call__(self, pixels: Float32Array) -> list[Float32Array]:
        """All outputs for (N, 3, H, W), in several runs if the file fixes a smaller batch size.

        Raises InputError if N is not a multiple of the fixed batch size.
        """
        if self._batch in (-1, len(pixels)):
            return self._run(pixels)
        step = self._batch
        if len(pixels) % step:
            raise self.name.error(f"takes {step} pictures at once; give --batch {step}")
        parts = [self._run(pixels[i : i + step]) for i in range(0, len(pixels), step)]
        return [np.concatenate(output) for output in zip(*parts, strict=True)]


@contextmanager
def _one_line_errors(name: OnnxName) -> Iterator[None]:
    """Convert a runtime's exceptions to InputError, and drop what it writes to stderr."""
    try:
        with _silent_libraries():
            yield
    except Exception as error:  # each runtime has its own exception types
        raise name.error("not a network that can be run: damaged, or no ONNX") from error


@contextmanager
def _silent_libraries() -> Iterator[None]:
    """Drop what native libraries write to stderr about a damaged file."""
    before = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)


def _read_with_openvino(file: str) -> _Read:
    from mpn_cli.networks.openvino_models import compiled
    from mpn_cli.networks.openvino_offline import openvino

    network = openvino.Core().read_model(file)

    def shape(port: openvino.Output) -> Shape:
        return tuple(int(d.get_length()) if d.is_static else -1 for d in port.get_partial_shape())

    def compile_for(threads: int | None) -> _Run:
        request = compiled(network, threads).create_infer_request()

        def run(pixels: Float32Array) -> list[Float32Array]:
            request.infer({0: np.ascontiguousarray(pixels)}, share_inputs=True)
            return [
                np.array(request.get_output_tensor(i).data, dtype=np.float32)
                for i in range(len(network.outputs))
            ]

        return run

    place = ["framework", ONNX_PROPERTY]
    properties = {}
    if network.has_rt_info(place):
        properties[ONNX_PROPERTY] = network.get_rt_info(place).astype(str)
    inputs, outputs = ([shape(p) for p in ports] for ports in (network.inputs, network.outputs))
    return inputs, outputs, properties, compile_for


def _read_with_onnxruntime(file: str) -> _Read:
    import onnxruntime

    def session(threads: int | None, level: Any) -> Any:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 4
        options.graph_optimization_level = level
        return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def shape(sides: list[int | str | None]) -> Shape:
        return tuple(side if isinstance(side, int) else -1 for side in sides)

    levels = onnxruntime.GraphOptimizationLevel
    read = session(1, levels.ORT_DISABLE_ALL)

    def compile_for(threads: int | None) -> _Run:
        ready = session(threads, levels.ORT_ENABLE_ALL)
        name = ready.get_inputs()[0].name

        def run(pixels: Float32Array) -> list[Float32Array]:
            outputs = ready.run(None, {name: np.ascontiguousarray(pixels)})
            return [np.asarray(output, dtype=np.float32) for output in outputs]

        return run

    return (
        [shape(port.shape) for port in read.get_inputs()],
        [shape(port.shape) for port in read.get_outputs()],
        dict(read.get_modelmeta().custom_metadata_map),
        compile_for,
    )
