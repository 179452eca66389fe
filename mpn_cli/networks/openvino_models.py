"""Networks in OpenVINO on the CPU: about twice as fast as torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mpn_cli.geometry.crops import PIXEL_MEAN, PIXEL_STD
from mpn_cli.networks.openvino_compiled import compile_form
from mpn_cli.networks.openvino_offline import openvino

if TYPE_CHECKING:
    from torch import nn


def compiled(network: Path | openvino.Model, threads: int | None) -> openvino.CompiledModel:
    """A network compiled to run on ``threads`` CPU threads, all cores if None.

    network: an IR file, whose compiled form is kept if there are checksums beside it, or a network
    in memory.
    """
    options = {
        # By default OpenVINO uses bfloat16 where the processor has it: half as fast here.
        "INFERENCE_PRECISION_HINT": "f32",
        "NUM_STREAMS": "1",
        # With pinning, all worker processes would run on the first cores.
        "ENABLE_CPU_PINNING": "NO",
    }
    if threads is not None:
        options["INFERENCE_NUM_THREADS"] = str(threads)
    core = openvino.Core()
    if isinstance(network, Path) and network.with_suffix(".sha256").is_file():
        return compile_form(core, network, options)
    return core.compile_model(network, "CPU", options)


def convert(network: nn.Module, example: tuple[int, int], shape: list[int]) -> openvino.Model:
    """Convert a torch network to OpenVINO, with the normalisation of pixels included.

    The network takes (N, 3, H, W) float32, the result (N, H, W, 3) uint8. example: a (width,
    height) to trace with; shape: N, 3, H, W, with -1 for dimensions that may vary.
    """
    import torch

    converted = openvino.convert_model(
        network, example_input=torch.zeros(1, 3, example[1], example[0])
    )
    converted.reshape(shape)
    steps = openvino.preprocess.PrePostProcessor(converted)
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    pixels = steps.input().preprocess().convert_element_type(openvino.Type.f32)
    pixels.mean([255 * mean for mean in PIXEL_MEAN]).scale([255 * std for std in PIXEL_STD])
    return steps.build()
