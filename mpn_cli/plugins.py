"""What plug-ins are written against: NMS backends, person detectors and pose networks.

Import the contracts from here. Where their modules lie inside mpn may change; these names stay.
"""

from __future__ import annotations

from mpn_nms.contract import FloatArray, Int64Array, Kept, NmsBackend, NmsConfig, PoseBatch

from mpn_cli.base.arrays import Float32Array, Float64Array, Picture
from mpn_cli.base.errors import InputError
from mpn_cli.base.recipe import DetectorSetup
from mpn_cli.detectors.contract import Detector, NetworkDetector
from mpn_cli.networks.contract import Conventions, Estimator, SimCC

__all__ = [
    "Conventions",
    "Detector",
    "DetectorSetup",
    "Estimator",
    "Float32Array",
    "Float64Array",
    "FloatArray",
    "InputError",
    "Int64Array",
    "Kept",
    "NetworkDetector",
    "NmsBackend",
    "NmsConfig",
    "Picture",
    "PoseBatch",
    "SimCC",
]
