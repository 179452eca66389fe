"""The words that options which choose among a few take."""

from __future__ import annotations

from enum import StrEnum


class Runtime(StrEnum):
    """What computes the pose network."""

    AUTO = "auto"
    OPENVINO = "openvino"
    TORCH = "torch"


class Precision(StrEnum):
    """The numbers that networks compute in."""

    AUTO = "auto"
    """The pose network in fp32, the built-in detector in int8 where OpenVINO runs it."""
    FP32 = "fp32"
    INT8 = "int8"


class Decode(StrEnum):
    """How a joint's position is refined beyond the heatmap cell of the maximum."""

    QUARTER = "quarter"
    DARK = "dark"


class Score(StrEnum):
    """What a pose's score is."""

    AUTO = "auto"
    EXPECTED_OKS = "expected-oks"
    PAPER = "paper"


class JointConfidence(StrEnum):
    """What a joint's written confidence is."""

    AUTO = "auto"
    CALIBRATED = "calibrated"
    NETWORK = "network"
