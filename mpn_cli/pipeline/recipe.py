"""Everything that decides a job's results: what a worker is sent, and what a job's hash covers."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from mpn_cli.pipeline.decoding import Decode


class Runtime(StrEnum):
    """What computes the pose network."""

    AUTO = "auto"
    OPENVINO = "openvino"
    TORCH = "torch"


class Precision(StrEnum):
    """In what numbers the network computes."""

    FP32 = "fp32"
    INT8 = "int8"


class Recipe(msgspec.Struct, frozen=True):
    """How one shard is annotated."""

    model: str
    weights: str
    """Path of the weight file."""
    weights_sha256: str
    runtime: Runtime
    """Not ``AUTO``: what it means is decided before."""
    precision: Precision
    detector: str
    flip: bool
    decode: Decode
    nms: str
    nms_method: str
    nms_thr: float
    kpt_thr: float
    oks_vis_thr: float | None
    max_dets: int
    batch: int
    """Crops the network takes at once."""
    overlay: bool
    """Whether pictures with poses are drawn as well."""
