"""Networks in OpenVINO on the CPU: about twice as fast as torch."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import openvino
import platformdirs
from openvino.preprocess import PrePostProcessor

from mpn_cli.errors import InputError
from mpn_cli.pipeline.crops import PIXEL_MEAN, PIXEL_STD

if TYPE_CHECKING:
    from torch import nn

HASH_PATH = ["mpn", "weights_sha256"]
"""Where an int8 form says of which weights it was made."""

FORM_VERSION = 1
"""Counts changes of the forms' content, which make cached ones stale."""


def compiled(network: Path | openvino.Model, threads: int | None) -> openvino.CompiledModel:
    """A network ready to run on so many CPU threads, all cores if None."""
    options = {
        # By itself OpenVINO takes bfloat16 where the processor has it: half as fast here.
        "INFERENCE_PRECISION_HINT": "f32",
        "NUM_STREAMS": "1",
        # Pinned, all worker processes would sit on the first cores.
        "ENABLE_CPU_PINNING": "NO",
    }
    if threads is not None:
        options["INFERENCE_NUM_THREADS"] = str(threads)
    return openvino.Core().compile_model(network, "CPU", options)


def cached_form(sha256: str, make: Callable[[], openvino.Model]) -> Path:
    """A form's XML file in the user's cache, made at a weight file's first use.

    sha256: the weight file's hash, which names the form. Raises InputError where the cache can't
    be written.
    """
    key = f"{sha256[:24]}-{FORM_VERSION}-{version('openvino')}"
    folder = Path(platformdirs.user_cache_dir("mpn")) / "openvino" / key
    form = folder / "network.xml"
    if form.is_file():
        return form
    network = make()
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


def convert(network: nn.Module, example: tuple[int, int], shape: list[int]) -> openvino.Model:
    """OpenVINO's form of a torch network, with the pixels' normalisation inside.

    The network takes (N, 3, H, W) float32, the form (N, H, W, 3) uint8. example: a (width,
    height) to trace with; shape: N, 3, H, W, with -1 for what may vary.
    """
    import torch

    converted = openvino.convert_model(
        network, example_input=torch.zeros(1, 3, example[1], example[0])
    )
    converted.reshape(shape)
    steps = PrePostProcessor(converted)
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    pixels = steps.input().preprocess().convert_element_type(openvino.Type.f32)
    pixels.mean([255 * mean for mean in PIXEL_MEAN]).scale([255 * std for std in PIXEL_STD])
    return steps.build()
