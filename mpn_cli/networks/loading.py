"""Which pose network is meant, and an estimator for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mpn_models.registry import MODELS
from mpn_nms.plugins import PluginError, Plugins, blamed

from mpn_cli.base.choices import Precision, Runtime
from mpn_cli.base.errors import InputError
from mpn_cli.base.files import file_sha256
from mpn_cli.base.recipe import Recipe
from mpn_cli.base.skeletons import SKELETONS
from mpn_cli.networks.onnx_names import ONNX, OnnxName

if TYPE_CHECKING:
    from mpn_cli.networks.contract import Estimator

ESTIMATORS = Plugins("mpn.models", "pose network")


@dataclass(frozen=True, slots=True)
class Network:
    """What is behind ``--model``."""

    name: str
    joints: int
    weights: Path
    """Empty for plug-ins."""
    sha256: str
    """Of the weights; of a plug-in its distribution's version."""


@contextmanager
def _weights_errors() -> Iterator[None]:
    """A WeightsError becomes an InputError."""
    from mpn_models.weights import WeightsError

    try:
        yield
    except WeightsError as error:
        raise InputError(str(error)) from None


def find_network(name: str, runtime: Runtime, precision: Precision) -> Network:
    """What ``--model`` means: a name from the registry or of a plug-in, a weight or ONNX file.

    Raises InputError and PluginError where there is none.
    """
    ours = name in MODELS or name.endswith(".safetensors") or Path(name).is_file()
    if ours and not name.startswith(ONNX):
        return _own_network(name)
    if runtime is not Runtime.AUTO or precision is Precision.INT8:
        raise InputError(f"--runtime and --precision are not for other people's networks ({name})")
    if name.startswith(ONNX):
        from mpn_cli.networks.pose_onnx import OnnxEstimator

        said = OnnxName.parse(name, "--model")
        joints = OnnxEstimator(said, threads=1).joints
        return Network(name, joints, said.file, file_sha256(said.file))
    return _plugin_network(name)


def _own_network(name: str) -> Network:
    from mpn_models.weights import read_header

    if name in MODELS:
        file = MODELS[name].weights
        if not file.is_file():
            raise InputError(f"{name} comes without weights; give --model a weights file of it")
    else:
        file = Path(name)
    with _weights_errors():
        header = read_header(file)
    if header.model not in MODELS:
        raise InputError(f"{file}: weights of {header.model}, which is no pose network known here")
    return Network(header.model, MODELS[header.model].joints, file, header.sha256)


def _plugin_network(name: str) -> Network:
    try:
        plugin = ESTIMATORS.find(name)
    except PluginError as error:
        if any(name in (p.name, p.qualified) for p in ESTIMATORS.all):
            raise
        known = ", ".join([*MODELS, *(p.name for p in ESTIMATORS.all)])
        raise InputError(
            f"--model {name}: neither a weights file, onnx:FILE, nor one of {known}"
        ) from error
    joints = getattr(plugin.loaded, "joints", None)
    if joints not in SKELETONS:
        known = ", ".join(map(str, SKELETONS))
        raise PluginError(f"{plugin.qualified} has joints {joints}; sets of {known} are known")
    return Network(plugin.qualified, joints, Path(), f"{plugin.distribution} {plugin.version}")


def choose_runtime(wanted: Runtime, precision: Precision) -> Runtime:
    """What ``auto`` means here: the fastest that is installed. Raises InputError."""
    has_openvino = find_spec("openvino") is not None
    if precision is Precision.INT8 and (wanted is Runtime.TORCH or not has_openvino):
        raise InputError("--precision int8 needs --runtime openvino")
    if wanted is Runtime.OPENVINO and not has_openvino:
        raise InputError("--runtime openvino: it is not installed; pip install openvino")
    if wanted is Runtime.AUTO:
        return Runtime.OPENVINO if has_openvino else Runtime.TORCH
    return wanted


def _form(recipe: Recipe) -> Path:
    """The OpenVINO file that a recipe means. Raises WeightsError and InputError."""
    from mpn_cli.networks.openvino_forms import checked_int8_form
    from mpn_cli.networks.pose_openvino import openvino_form

    weights = Path(recipe.weights)
    if recipe.precision is Precision.INT8:
        return checked_int8_form(weights, recipe.weights_sha256)
    return openvino_form(MODELS[recipe.model], weights, recipe.weights_sha256)


def network_here(recipe: Recipe) -> Path:
    """Where the weights of a recipe from another machine lie on this one.

    Raises InputError and PluginError where they are not here, or are other ones.
    """
    weights = Path(recipe.weights)
    if recipe.model in MODELS:
        name = str(weights) if weights.is_file() else recipe.model
    else:
        name = recipe.model
    found = find_network(name, Runtime.AUTO, Precision.FP32)
    if (found.name, found.sha256) != (recipe.model, recipe.weights_sha256):
        raise InputError(f"{found.weights} holds other weights of {recipe.model} than the client's")
    return found.weights


def prepare_estimator(recipe: Recipe) -> None:
    """Do once what all workers need: OpenVINO's form of the weights. Raises InputError."""
    if recipe.model in MODELS and recipe.runtime is Runtime.OPENVINO:
        with _weights_errors():
            _form(recipe)


def load_estimator(recipe: Recipe, threads: int | None = None) -> Estimator:
    """A ready estimator on so many CPU threads, all cores if None.

    Raises InputError for damaged weights and those of another network, PluginError for plug-ins.
    """
    if recipe.model.startswith(ONNX):
        from mpn_cli.networks.pose_onnx import OnnxEstimator

        return OnnxEstimator(OnnxName.parse(recipe.model, "--model"), threads)
    if recipe.model not in MODELS:
        make = ESTIMATORS.find(recipe.model).loaded
        with blamed(make, "pose network"):
            estimator: Estimator = make(threads)
        return estimator
    model, weights = MODELS[recipe.model], Path(recipe.weights)
    with _weights_errors():
        if recipe.runtime is Runtime.OPENVINO:
            from mpn_cli.networks.pose_openvino import OpenVinoEstimator

            return OpenVinoEstimator(_form(recipe), model, threads)
        from mpn_cli.networks.pose_torch import TorchEstimator

        return TorchEstimator(model, weights, threads)
