"""Where a pose network comes from: ours, an ONNX file or a plug-in.

:func:`find_network` decides from the text of ``--model``; everything that differs between the
three is a method of :class:`NetworkSource`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from mpn_models.registry import MODELS, Model
from mpn_models.weights import WeightsError, read_header
from mpn_nms.plugins import PluginError, Plugins, blamed

from mpn_cli.base.choices import Precision, Runtime
from mpn_cli.base.devices import CPU
from mpn_cli.base.errors import InputError
from mpn_cli.base.files import file_sha256
from mpn_cli.base.recipe import Recipe
from mpn_cli.base.skeletons import SKELETONS
from mpn_cli.networks.contract import Estimator, PoseNetwork
from mpn_cli.networks.onnx_files import OnnxFile
from mpn_cli.networks.onnx_names import ONNX, OnnxName
from mpn_cli.networks.pose_onnx import OnnxEstimator, PoseLayout

ESTIMATORS = Plugins("mpn.models", "pose network")


@dataclass(frozen=True, slots=True)
class NetworkSource(ABC):
    """A pose network that was found, not yet loaded.

    The defaults here suit third-party networks: they choose their runtime themselves, run on the
    CPU only, and nothing is known about the last bits of their heatmaps.
    """

    name: str
    """The network's name in the recipe."""
    joints: int
    weights: Path
    """Path of the weight file; empty for plug-ins."""
    sha256: str
    """SHA-256 of the weights; for a plug-in, its distribution and version."""

    @classmethod
    @abstractmethod
    def named(cls, text: str) -> NetworkSource:
        """The network that ``--model text`` names; nothing is loaded or compiled.

        Raises InputError or PluginError if it does not exist or can't be used.
        """

    @property
    def text_here(self) -> str:
        """The text of ``--model`` that names this network on the current machine."""
        return self.name

    def check_options(self, device: str, runtime: Runtime, precision: Precision) -> None:
        """Raise InputError for options that this network does not support.

        device: the text of ``--device``.
        """
        if runtime is not Runtime.AUTO or precision is Precision.INT8:
            raise InputError(
                f"--runtime and --precision are not for other people's networks ({self.name})"
            )
        if device != CPU:
            raise self._no_device(device)

    def is_batch_free(self, recipe: Recipe) -> bool:
        """Whether a crop's heatmaps are the same to the last bit in any batch."""
        return False

    @abstractmethod
    def prepare(self, recipe: Recipe) -> None:
        """Do the preparations shared by all workers on the CPU, once. Raises InputError."""

    @abstractmethod
    def load(self, recipe: Recipe, threads: int | None) -> Estimator:
        """The network ready to run on ``threads`` CPU threads, all cores if None.

        Raises InputError for weights that are damaged or belong to another network, PluginError
        for plug-ins that fail.
        """

    def load_on_device(self, recipe: Recipe, device: str) -> PoseNetwork:
        """The network ready to run on a device, by torch's name. Raises InputError."""
        raise self._no_device(device)

    def _no_device(self, device: str) -> InputError:
        return InputError(f"--device {device} is for MobilePoseNet; {self.name} runs on the cpu")


@dataclass(frozen=True, slots=True)
class OwnNetwork(NetworkSource):
    """A network of the registry, with its shipped weights or the user's weights file."""

    @classmethod
    def named(cls, text: str) -> OwnNetwork:
        """A name from the registry, or the path of a weights file. Raises InputError."""
        if text in MODELS:
            file = MODELS[text].weights
            if not file.is_file():
                raise InputError(f"{text} comes without weights; give --model a weights file of it")
        else:
            file = Path(text)
        with weights_errors():
            header = read_header(file)
        if header.model not in MODELS:
            raise InputError(
                f"{file}: weights of {header.model}, which is no pose network known here"
            )
        return cls(header.model, MODELS[header.model].joints, file, header.sha256)

    @property
    def text_here(self) -> str:
        """The weights file if it exists, else the name from the registry."""
        return str(self.weights) if self.weights.is_file() else self.name

    def check_options(self, device: str, runtime: Runtime, precision: Precision) -> None:
        """Accept all options: our own networks support every one."""

    def is_batch_free(self, recipe: Recipe) -> bool:
        """True in OpenVINO. In torch heatmaps differ by 3e-8, which may change a last digit."""
        return recipe.runtime is Runtime.OPENVINO and recipe.device == CPU

    def prepare(self, recipe: Recipe) -> None:
        """Convert the weights to OpenVINO, if that runtime is used and it is not done yet."""
        if recipe.runtime is Runtime.OPENVINO:
            with weights_errors():
                self._form(recipe.precision)

    def load(self, recipe: Recipe, threads: int | None) -> Estimator:
        """Load into OpenVINO or torch, as the recipe says."""
        with weights_errors():
            if recipe.runtime is Runtime.OPENVINO:
                from mpn_cli.networks.pose_openvino import OpenVinoEstimator

                return OpenVinoEstimator(self._form(recipe.precision), self._model, threads)
            from mpn_cli.networks.pose_torch import TorchEstimator

            return TorchEstimator(self._model, self.weights, threads)

    def load_on_device(self, recipe: Recipe, device: str) -> PoseNetwork:
        """Load into torch, on the device."""
        from mpn_cli.networks.pose_gpu import DevicePoseNetwork

        with weights_errors():
            return DevicePoseNetwork(
                self._model,
                self.weights,
                device,
                batch=recipe.batch,
                flip=recipe.flip,
                method=recipe.decode,
            )

    @property
    def _model(self) -> Model:
        return MODELS[self.name]

    def _form(self, precision: Precision) -> Path:
        """The OpenVINO IR for a precision. Raises WeightsError and InputError."""
        from mpn_cli.networks.openvino_forms import checked_int8_form
        from mpn_cli.networks.pose_openvino import openvino_form

        if precision is Precision.INT8:
            return checked_int8_form(self.weights, self.sha256)
        return openvino_form(self._model, self.weights, self.sha256)


@dataclass(frozen=True, slots=True)
class OnnxNetwork(NetworkSource):
    """A network named as ``onnx:FILE``, with the user's key=value pairs."""

    @classmethod
    def named(cls, text: str) -> OnnxNetwork:
        """Read the file's shapes. Raises InputError if it is not a pose network."""
        said = OnnxName.parse(text, "--model")
        layout = PoseLayout.of(OnnxFile(said))
        return cls(text, layout.joints, said.file, file_sha256(said.file))

    def prepare(self, recipe: Recipe) -> None:
        """Do nothing: each worker compiles the file itself."""

    def load(self, recipe: Recipe, threads: int | None) -> Estimator:
        """Load into OpenVINO, or into ONNX Runtime if only that is installed."""
        return OnnxEstimator(OnnxName.parse(self.name, "--model"), threads)


@dataclass(frozen=True, slots=True)
class PluginNetwork(NetworkSource):
    """A network of an installed plug-in."""

    @classmethod
    def named(cls, text: str) -> PluginNetwork:
        """Import the plug-in. Raises InputError for an unknown name, PluginError if it fails."""
        try:
            plugin = ESTIMATORS.find(text)
        except PluginError as error:
            if any(text in (p.name, p.qualified) for p in ESTIMATORS.all):
                raise
            known = ", ".join([*MODELS, *(p.name for p in ESTIMATORS.all)])
            raise InputError(
                f"--model {text}: neither a weights file, onnx:FILE, nor one of {known}"
            ) from error
        joints = getattr(plugin.loaded, "joints", None)
        if joints not in SKELETONS:
            known = ", ".join(map(str, SKELETONS))
            raise PluginError(f"{plugin.qualified} has joints {joints}; sets of {known} are known")
        return cls(plugin.qualified, joints, Path(), f"{plugin.distribution} {plugin.version}")

    def prepare(self, recipe: Recipe) -> None:
        """Do nothing: plug-ins have no such step."""

    def load(self, recipe: Recipe, threads: int | None) -> Estimator:
        """Call the factory that the plug-in provides."""
        make = ESTIMATORS.find(self.name).loaded
        with blamed(make, "pose network"):
            estimator: Estimator = make(threads)
        return estimator


def _kind(text: str) -> type[NetworkSource]:
    """The kind of network that a text names: one given as ``--model``, or a recipe's."""
    if text.startswith(ONNX):
        return OnnxNetwork
    if text in MODELS or text.endswith(".safetensors") or Path(text).is_file():
        return OwnNetwork
    return PluginNetwork


def find_network(text: str) -> NetworkSource:
    """The network that ``--model`` names: a registered one, a plug-in, a weights or ONNX file.

    Nothing is loaded or compiled. Raises InputError or PluginError if there is no such network.
    """
    return _kind(text).named(text)


def network_of(recipe: Recipe) -> NetworkSource:
    """The network of a recipe, which was found before; no file is read."""
    kind = _kind(recipe.model)
    return kind(recipe.model, recipe.joints, Path(recipe.weights), recipe.weights_sha256)


def network_here(recipe: Recipe) -> Path:
    """The path, on this machine, of the weights of a recipe made on another machine.

    Raises InputError or PluginError if they are missing here, or are different weights.
    """
    found = find_network(network_of(recipe).text_here)
    if (found.name, found.sha256) != (recipe.model, recipe.weights_sha256):
        raise InputError(f"{found.weights} holds other weights of {recipe.model} than the client's")
    return found.weights


def prepare_estimator(recipe: Recipe) -> None:
    """Do once what all workers on the CPU need. Raises InputError."""
    network_of(recipe).prepare(recipe)


def choose_runtime(wanted: Runtime, precision: Precision) -> Runtime:
    """Resolve ``auto`` to the fastest installed runtime. Raises InputError."""
    has_openvino = find_spec("openvino") is not None
    if precision is Precision.INT8 and (wanted is Runtime.TORCH or not has_openvino):
        raise InputError("--precision int8 needs --runtime openvino")
    if wanted is Runtime.OPENVINO and not has_openvino:
        raise InputError("--runtime openvino: it is not installed; pip install openvino")
    if wanted is Runtime.AUTO:
        return Runtime.OPENVINO if has_openvino else Runtime.TORCH
    return wanted


@contextmanager
def weights_errors() -> Iterator[None]:
    """Convert WeightsError to InputError, the kind that worker processes report as well."""
    try:
        yield
    except WeightsError as error:
        raise InputError(str(error)) from None
