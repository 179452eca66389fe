"""OpenVINO without its telemetry: the only place that imports it.

``import openvino`` alone reports to Google Analytics, and so does each conversion, under a client
id kept in the user's home. A tool that works on private photos must not contact anyone. OpenVINO
falls back on a stub if its telemetry package is not installed; so does NNCF, which builds on it.
"""

from __future__ import annotations

import sys

if "openvino" not in sys.modules:
    # None makes every import of the package raise ImportError, as if it were not installed.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino

__all__ = ["openvino"]
