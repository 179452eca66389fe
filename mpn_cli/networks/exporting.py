"""``mpn export``: a folded network of ours as an ONNX, OpenVINO or TorchScript file.

Every file is loaded again by its own runtime and compared with the trained network, as it was
before folding, before it gets its name.
"""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from mpn_models.folded import fold
from mpn_models.registry import MODELS, Model
from mpn_models.weights import load_weights
from torch import Tensor, nn

from mpn_cli.base.arrays import Float32Array, FloatArray
from mpn_cli.base.choices import Decode, Target
from mpn_cli.base.errors import ExitCode, InputError, MpnError
from mpn_cli.base.files import file_sha256, move_into_place, write_file
from mpn_cli.base.outputs import check_output
from mpn_cli.geometry.crops import normalise
from mpn_cli.geometry.decoding import decode
from mpn_cli.geometry.torch_decoding import decode_on_device
from mpn_cli.networks import scoring
from mpn_cli.networks.example_crops import example_crops
from mpn_cli.networks.exported import (
    EXTRA_FILE,
    FORMAT,
    INPUT,
    ONNX_PROPERTY,
    RT_INFO_PATH,
    ExportedConventions,
    conventions_of,
)
from mpn_cli.networks.onnx_files import OnnxFile
from mpn_cli.networks.onnx_names import OnnxName
from mpn_cli.networks.sources import OwnNetwork

TOLERANCE = 1e-4
"""Largest accepted difference of a heatmap's value or a confidence from our network's."""

PIXEL_TOLERANCE = 1e-3
"""Largest accepted difference of a decoded joint, pixels of the crop: a Newton step on logarithms
in single precision, against double precision."""

_CERTAIN = 0.1
"""Decoded positions of joints with a lower confidence are not compared: the maximum of a heatmap
that is nearly flat may be in another cell for a difference in the last digit."""

_OPSET = 18


class ExportError(MpnError):
    """The exported network does not compute what ours does; nothing was written."""

    exit_code = ExitCode.INTERNAL


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and how far it is from our network on the example crops."""

    files: tuple[Path, ...]
    difference: float
    """Largest difference of a heatmap's value; of a confidence, where joints are decoded."""
    pixels: float | None
    """Largest difference of a decoded joint, pixels of the crop; None for heatmaps."""


class DecodingNetwork(nn.Module):
    """A folded network followed by decoding (DARK), without the flip test."""

    def __init__(self, network: nn.Module, input_size: tuple[int, int]) -> None:
        super().__init__()
        self.network = network
        self._last = input_size[0] - 1, input_size[1] - 1

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Crops (N, 3, H, W) -> joints (N, K, 2) in pixels of the crop, confidences (N, K)."""
        heatmaps = self.network(crops)
        found = decode_on_device(heatmaps, Decode.DARK)
        across = self._last[0] / (int(heatmaps.shape[3]) - 1)
        down = self._last[1] / (int(heatmaps.shape[2]) - 1)
        joints = torch.stack([found[..., 0] * across, found[..., 1] * down], dim=2)
        return joints, found[..., 2]


_Write = Callable[[nn.Module, Tensor, ExportedConventions, Path], None]
"""Writes a network, traced with example crops, and its conventions."""

_Run = Callable[[Path, Float32Array], list[Float32Array]]
"""All outputs of a written network."""


def export(network: OwnNetwork, target: Target, file: Path, *, with_decoding: bool) -> Exported:
    """Write a network's file, and an ONNX file's score model beside it.

    Raises InputError where the file can't be written, is somebody else's, or a library is missing;
    WeightsError for damaged weights; ExportError where the result differs from our network.
    """
    check_target(target, file)
    model = MODELS[network.name]
    trained, header = load_weights(network.weights, model)
    folded: nn.Module = fold(trained)
    module = DecodingNetwork(folded, model.input_size).eval() if with_decoding else folded
    crops = np.ascontiguousarray(normalise(example_crops(model.input_size)))
    conventions = conventions_of(model, header.sha256, decoded=with_decoding)
    write, run = _TARGETS[target]
    with tempfile.TemporaryDirectory(prefix=".mpn-", dir=file.parent) as folder, torch.no_grad():
        made = Path(folder) / file.name
        with _quiet_exporters():
            # Decoding caches a constant at its first call, which must not be the traced one.
            module(torch.from_numpy(crops))
            write(module, torch.from_numpy(crops), conventions, made)
        expected = trained(torch.from_numpy(crops)).numpy()
        difference, pixels = _compared(run, made, crops, expected, model, decoded=with_decoding)
        files = [file, file.with_suffix(".bin")] if target is Target.OPENVINO else [file]
        for old in files[1:]:
            old.unlink(missing_ok=True)  # never the old values with the new network
        for one in files:
            move_into_place(made.with_name(one.name), one)
    if target is Target.ONNX and not with_decoding:
        files += _copy_score_model(network.weights, header.sha256, file)
    return Exported(tuple(files), difference, pixels)


@contextmanager
def _quiet_exporters() -> Iterator[None]:
    """Drop what the exporters say of deprecated ways inside of them, and of torchvision's lack."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def check_target(target: Target, file: Path) -> None:
    """Check that a file can be written, as ``-o``.

    Raises InputError if it can't, if mpn did not write the one that is there, or if a library is
    missing.
    """
    if target is Target.ONNX and not (find_spec("onnx") and find_spec("onnxscript")):
        raise InputError("--to onnx needs onnx and onnxscript; pip install 'mobileposenet[export]'")
    if target is Target.OPENVINO and not find_spec("openvino"):
        raise InputError("--to openvino needs OpenVINO; pip install openvino")
    if target is Target.OPENVINO and file.suffix != ".xml":
        raise InputError(f"-o {file}: OpenVINO's files end in .xml, with a .bin beside them")
    check_output(file, FORMAT, "-o")
    beside = file.with_suffix(".bin")
    if target is Target.OPENVINO and os.path.lexists(beside) and not file.exists():
        raise InputError(f"-o {beside} is there already, and mpn did not write it; move it away")
    score = scoring.score_file(file)
    if target is Target.ONNX:
        check_output(score, scoring.FORMAT, "-o")


def _compared(
    run: _Run,
    made: Path,
    crops: Float32Array,
    heatmaps: Float32Array,
    model: Model,
    *,
    decoded: bool,
) -> tuple[float, float | None]:
    """The written network's differences from ours, for a batch and for a crop alone.

    Raises ExportError if they are too large.
    """
    worst, farthest = 0.0, 0.0
    for rows in (slice(None), slice(1)):
        outputs, expected = run(made, crops[rows]), heatmaps[rows]
        if decoded:
            cells, confidences = decode(expected, Decode.DARK)
            last = np.array(model.input_size) - 1
            joints = cells * (last / (np.array(expected.shape[:1:-1]) - 1))
            apart = np.abs(outputs[0] - joints).max(axis=2)[confidences > _CERTAIN]
            farthest = max(farthest, float(apart.max(initial=0.0)))
            worst = max(worst, _difference(outputs[1], confidences))
        else:
            worst = max(worst, _difference(outputs[0], expected))
    # Written so that NaN fails as well.
    if not (worst <= TOLERANCE and farthest <= PIXEL_TOLERANCE):
        raise ExportError(
            f"the exported network differs from {model.name} by {worst:.1e}"
            + (f" and {farthest:.1e} pixels" if decoded else "")
            + " on the example crops; nothing was written. Please report it with mpn doctor's lines"
        )
    return worst, farthest if decoded else None


def _difference(found: FloatArray, expected: FloatArray) -> float:
    if found.shape != expected.shape:
        return float("inf")
    return float(np.abs(found - expected).max())


def _copy_score_model(weights: Path, sha256: str, file: Path) -> list[Path]:
    """Put the score model of the weights, if there is one, beside an ONNX file."""
    source = scoring.score_file(weights)
    if not source.is_file():
        return []
    model = scoring.read_score_model(source)
    if model.weights_sha256 != sha256:
        return []
    target = scoring.score_file(file)
    fitted = msgspec.structs.replace(model, weights_sha256=file_sha256(file))
    write_file(target, msgspec.json.format(msgspec.json.encode(fitted)) + b"\n")
    return [target]


def _json(conventions: ExportedConventions) -> str:
    return msgspec.json.encode(conventions).decode()


def _write_onnx(
    network: nn.Module, crops: Tensor, conventions: ExportedConventions, file: Path
) -> None:
    import onnx

    program = torch.onnx.export(
        network,
        (crops,),
        dynamo=True,
        verbose=False,
        input_names=[INPUT],
        output_names=list(conventions.output.names),
        opset_version=_OPSET,
        dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
    )
    assert program is not None
    model = program.model_proto
    # The exporter notes where in this installation's source each node comes from.
    graph = model.graph
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, graph):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.helper.set_model_props(model, {ONNX_PROPERTY: _json(conventions)})
    onnx.save(model, file)


def _run_onnx(file: Path, crops: Float32Array) -> list[Float32Array]:
    return OnnxFile(OnnxName("-o", file)).compiled(None)(crops)


def _write_openvino(
    network: nn.Module, crops: Tensor, conventions: ExportedConventions, file: Path
) -> None:
    from mpn_cli.networks.openvino_offline import openvino

    converted = openvino.convert_model(network, example_input=crops)
    converted.reshape([-1, *crops.shape[1:]])
    converted.inputs[0].set_names({INPUT})
    for output, name in zip(converted.outputs, conventions.output.names, strict=True):
        output.set_names({name})
    converted.set_rt_info(_json(conventions), RT_INFO_PATH)
    openvino.save_model(converted, file, compress_to_fp16=False)


def _run_openvino(file: Path, crops: Float32Array) -> list[Float32Array]:
    from mpn_cli.networks.openvino_models import compiled

    results = compiled(file, None)(crops)
    return [np.array(value, dtype=np.float32) for value in results.values()]


def _write_torchscript(
    network: nn.Module, crops: Tensor, conventions: ExportedConventions, file: Path
) -> None:
    traced: Any = torch.jit.trace(network, (crops,), check_trace=False)  # type: ignore[no-untyped-call]
    torch.jit.save(traced, str(file), _extra_files={EXTRA_FILE: _json(conventions)})


def _run_torchscript(file: Path, crops: Float32Array) -> list[Float32Array]:
    network: Any = torch.jit.load(str(file), map_location="cpu")  # type: ignore[no-untyped-call]
    outputs = network(torch.from_numpy(crops))
    parts = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    return [part.numpy() for part in parts]


_TARGETS: dict[Target, tuple[_Write, _Run]] = {
    Target.ONNX: (_write_onnx, _run_onnx),
    Target.OPENVINO: (_write_openvino, _run_openvino),
    Target.TORCHSCRIPT: (_write_torchscript, _run_torchscript),
}
