"""The values of options that choose among a few named alternatives."""

from __future__ import annotations

from enum import StrEnum


class Runtime(StrEnum):
    """The library that runs the pose network."""

    AUTO = "auto"
    OPENVINO = "openvino"
    TORCH = "torch"


class Precision(StrEnum):
    """The numeric precision that networks compute in."""

    AUTO = "auto"
    """The pose network in fp32, the built-in detector in int8 where OpenVINO runs it."""
    FP32 = "fp32"
    INT8 = "int8"


class Decode(StrEnum):
    """How a joint's position is refined beyond the heatmap cell of the maximum."""

    QUARTER = "quarter"
    DARK = "dark"


class Score(StrEnum):
    """How a pose's score is computed."""

    AUTO = "auto"
    EXPECTED_OKS = "expected-oks"
    PAPER = "paper"


class JointConfidence(StrEnum):
    """Which confidence is written for a joint."""

    AUTO = "auto"
    CALIBRATED = "calibrated"
    NETWORK = "network"


class Target(StrEnum):
    """What a network is exported to."""

    ONNX = "onnx"
    OPENVINO = "openvino"
    TORCHSCRIPT = "torchscript"

    @property
    def suffix(self) -> str:
        """The usual end of the file's name."""
        return {"onnx": ".onnx", "openvino": ".xml", "torchscript": ".pt"}[self.value]


class ResultsFormat(StrEnum):
    """What results are converted to."""

    YOLO = "yolo"
    CSV = "csv"
    PARQUET = "parquet"
    LABELME = "labelme"
    CVAT = "cvat"
    OPENPOSE = "openpose"


class Rows(StrEnum):
    """What a row of a table is."""

    JOINT = "joint"
    PERSON = "person"


class Pictures(StrEnum):
    """What is done with the pictures of a data set that is written."""

    LINK = "link"
    COPY = "copy"
    NONE = "none"
