"""Detectors by name: ours and third parties' through one entry-point group, and ONNX files.

:func:`find_detector` decides from the text of ``--detector``; what differs is a method of
:class:`DetectorSource`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from mpn_nms.plugins import Plugin, PluginError, Plugins, blamed

from mpn_cli.base.files import file_sha256
from mpn_cli.base.recipe import DetectorSetup
from mpn_cli.detectors.contract import (
    Detector,
    NetworkDetector,
    takes_whole_pictures,
    works_one_by_one,
)
from mpn_cli.detectors.onnx_boxes import BoxLayout, OnnxDetector
from mpn_cli.networks.onnx_files import OnnxFile
from mpn_cli.networks.onnx_names import ONNX, OnnxName

DETECTORS = Plugins("mpn.detectors", "detector")


class DetectorSource(ABC):
    """A detector that was found, not yet loaded."""

    takes_setup = False
    """Whether the detector supports ``--detector-size`` and ``--precision``."""
    whole_pictures = False
    """Whether each of the detector's boxes is a whole picture."""
    one_by_one = False
    """Whether a picture's boxes do not depend on the pictures given with it."""

    def checked_sha256(self) -> str:
        """Hash of the detector's network; "" for plug-ins. Nothing is compiled.

        Raises PluginError or InputError for a network that can't be used.
        """
        return ""

    @abstractmethod
    def prepare(self, setup: DetectorSetup | None) -> None:
        """Do the preparations shared by all workers, once. Raises InputError and PluginError."""

    @abstractmethod
    def load(
        self, setup: DetectorSetup | None, threads: int | None, device: str = "cpu"
    ) -> Detector:
        """The detector ready to run. Raises PluginError and InputError.

        setup: None if :attr:`takes_setup` is False; threads: CPU threads, all cores if None;
        device: used only by detectors that take a setup.
        """


@dataclass(frozen=True, slots=True)
class OnnxSource(DetectorSource):
    """A detector named as ``onnx:FILE``, with the user's key=value pairs."""

    said: OnnxName

    def checked_sha256(self) -> str:
        """The file's hash, after its shapes were read and checked."""
        BoxLayout.of(OnnxFile(self.said))
        return file_sha256(self.said.file)

    def prepare(self, setup: DetectorSetup | None) -> None:
        """Do nothing: each worker compiles the file itself."""

    def load(
        self, setup: DetectorSetup | None, threads: int | None, device: str = "cpu"
    ) -> Detector:
        """Load it to run on the CPU."""
        return OnnxDetector(self.said, threads)


class PluginSource(DetectorSource):
    """A detector of the entry-point group, ours included: a detector, or a class of them."""

    def __init__(self, plugin: Plugin, loaded: Any) -> None:
        self.plugin = plugin
        self.loaded = loaded
        self.whole_pictures = takes_whole_pictures(loaded)
        self.one_by_one = works_one_by_one(loaded)

    def prepare(self, setup: DetectorSetup | None) -> None:
        """Do nothing: the contract has no such step."""

    def load(
        self, setup: DetectorSetup | None, threads: int | None, device: str = "cpu"
    ) -> Detector:
        """The detector itself, or an instance if the plug-in is a class."""
        with blamed(self.loaded, "detector"):
            return self._checked(self.loaded() if isinstance(self.loaded, type) else self.loaded)

    def _checked(self, detector: object) -> Detector:
        if not isinstance(detector, Detector):
            raise PluginError(f"{self.plugin.qualified} is no detector: it lacks a name or a call")
        return detector


class NetworkDetectorSource(PluginSource):
    """A class that derives from NetworkDetector, as the built-in detector does."""

    takes_setup = True
    loaded: type[NetworkDetector]

    def checked_sha256(self) -> str:
        """The hash that the detector class reports."""
        with blamed(self.loaded, "detector"):
            return self.loaded.weights_sha256()

    def prepare(self, setup: DetectorSetup | None) -> None:
        """Do the preparations of the detector class."""
        assert setup is not None
        with blamed(self.loaded, "detector"):
            self.loaded.prepare(setup)

    def load(
        self, setup: DetectorSetup | None, threads: int | None, device: str = "cpu"
    ) -> Detector:
        """An instance of the detector class, with its settings."""
        assert setup is not None
        with blamed(self.loaded, "detector"):
            return self._checked(self.loaded(setup, threads, device))


def find_detector(text: str) -> DetectorSource:
    """What ``--detector`` means: the name of a plug-in, ours included, or an ONNX file.

    A plug-in is imported. Raises PluginError for a name that nothing has and for what is no
    detector, InputError for a file that is not there.
    """
    if text.startswith(ONNX):
        return OnnxSource(OnnxName.parse(text, "--detector"))
    plugin = DETECTORS.find(text)
    loaded = plugin.loaded
    if not callable(loaded):
        raise PluginError(f"{text} is no detector: it can't be called")
    if isinstance(loaded, type) and issubclass(loaded, NetworkDetector):
        return NetworkDetectorSource(plugin, loaded)
    return PluginSource(plugin, loaded)


def detector_hash(text: str) -> str:
    """Hash of the network behind a detector's name; "" for plug-ins.

    Raises PluginError and InputError for a name that can't be used, an ONNX file's content
    included.
    """
    return find_detector(text).checked_sha256()


def prepare_detector(text: str, setup: DetectorSetup | None) -> None:
    """Do a detector's preparations, once for all workers; "" is no detector. Raises InputError."""
    if text:
        find_detector(text).prepare(setup)
