"""Detectors by name: ours and third parties', through one entry-point group."""

from __future__ import annotations

from mpn_cli.detectors.contract import Detector
from nms_backends.plugins import PluginError, Plugins

DETECTORS = Plugins("mpn.detectors", "detector")
DEFAULT_DETECTOR = "full-image"


def find_detector(name: str) -> Detector:
    """The detector called ``name``. Raises PluginError."""
    plugin = DETECTORS.find(name)
    detector = plugin.loaded() if isinstance(plugin.loaded, type) else plugin.loaded
    if not isinstance(detector, Detector):
        raise PluginError(f"{plugin.qualified} is no detector: it lacks a name or a call")
    return detector
