"""Detectors by name: ours and third parties' through one entry-point group, and ONNX files."""

from __future__ import annotations

from mpn_cli.detectors.contract import Detector, NetworkDetector
from mpn_cli.pipeline.recipe import Runtime
from mpn_cli.runtimes.onnx_names import ONNX, OnnxName, file_sha256
from nms_backends.plugins import PluginError, Plugins

DETECTORS = Plugins("mpn.detectors", "detector")
DEFAULT_DETECTOR = "person"


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
    if name == DEFAULT_DETECTOR:
        from models.registry import PERSON_DETECTOR
        from models.weights import read_header

        return read_header(PERSON_DETECTOR.weights).sha256
    if not callable(loaded):
        raise PluginError(f"{name} is no detector: it can't be called")
    return ""


def prepare_detector(name: str, runtime: Runtime) -> None:
    """Do once what all workers need: OpenVINO's form of our own detector. Raises InputError."""
    if name == DEFAULT_DETECTOR and runtime is Runtime.OPENVINO:
        from mpn_cli.detectors.person import openvino_form

        openvino_form()


def load_detector(name: str, runtime: Runtime, threads: int | None) -> Detector:
    """The detector called ``name``, ready to run. Raises PluginError and InputError."""
    if name.startswith(ONNX):
        from mpn_cli.detectors.onnx_boxes import OnnxDetector

        return OnnxDetector(OnnxName.parse(name, "--detector"), threads)
    plugin = DETECTORS.find(name)
    loaded = plugin.loaded
    if isinstance(loaded, type):
        loaded = loaded(runtime, threads) if issubclass(loaded, NetworkDetector) else loaded()
    if not isinstance(loaded, Detector):
        raise PluginError(f"{plugin.qualified} is no detector: it lacks a name or a call")
    return loaded
