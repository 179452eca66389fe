"""Detectors by name: ours and third parties' through one entry-point group, and ONNX files."""

from __future__ import annotations

from typing import TypeGuard

from mpn_nms.plugins import PluginError, Plugins, blamed

from mpn_cli.base.files import file_sha256
from mpn_cli.base.recipe import DetectorSetup
from mpn_cli.detectors.contract import Detector, NetworkDetector
from mpn_cli.networks.onnx_names import ONNX, OnnxName

DETECTORS = Plugins("mpn.detectors", "detector")
DEFAULT_DETECTOR = "person"
FULL_IMAGE = "full-image"


def detector_hash(name: str) -> str:
    """What tells the networks behind a detector's name apart; "" for plug-ins.

    Raises PluginError and InputError for a name that can't be used, an ONNX file's content
    included.
    """
    if name.startswith(ONNX):
        from mpn_cli.detectors.onnx_boxes import OnnxDetector

        said = OnnxName.parse(name, "--detector")
        OnnxDetector(said, threads=1)
        return file_sha256(said.file)
    loaded = DETECTORS.find(name).loaded
    if not callable(loaded):
        raise PluginError(f"{name} is no detector: it can't be called")
    return loaded.weights_sha256() if _is_network(loaded) else ""


def prepare_detector(name: str, setup: DetectorSetup | None) -> None:
    """Do once what all workers need; nothing for "", no detector. Raises InputError."""
    if name and not name.startswith(ONNX):
        loaded = DETECTORS.find(name).loaded
        if _is_network(loaded):
            assert setup is not None
            loaded.prepare(setup)


def takes_setup(name: str) -> bool:
    """Whether a detector heeds ``--detector-size`` and ``--precision``. Raises PluginError."""
    return not name.startswith(ONNX) and _is_network(DETECTORS.find(name).loaded)


def _is_network(loaded: object) -> TypeGuard[type[NetworkDetector]]:
    return isinstance(loaded, type) and issubclass(loaded, NetworkDetector)


def load_detector(
    name: str, setup: DetectorSetup | None, threads: int | None, device: str = "cpu"
) -> Detector:
    """The detector called ``name``, ready to run. Raises PluginError and InputError.

    device: for our own network; others' run where they like.
    """
    if name.startswith(ONNX):
        from mpn_cli.detectors.onnx_boxes import OnnxDetector

        return OnnxDetector(OnnxName.parse(name, "--detector"), threads)
    plugin = DETECTORS.find(name)
    loaded = plugin.loaded
    if _is_network(loaded):
        assert setup is not None
        loaded = loaded(setup, threads, device)
    elif isinstance(loaded, type):
        with blamed(loaded, "detector"):
            loaded = loaded()
    if not isinstance(loaded, Detector):
        raise PluginError(f"{plugin.qualified} is no detector: it lacks a name or a call")
    return loaded
