"""Everything that decides a job's results: what a worker is sent, and what a job's hash covers."""

from __future__ import annotations

import msgspec

from mpn_cli.base.choices import Decode, JointConfidence, Precision, Runtime, Score


class BoxChoice(msgspec.Struct, frozen=True):
    """Which boxes poses are looked for in; by itself: all."""

    bbox_thr: float = 0.0
    """Boxes of a lower score are left out."""
    nms_thr: float = 1.0
    """Those whose IoU with a better box is over this as well."""
    limit: int | None = None
    """And all but the best of a picture."""

    def __str__(self) -> str:
        limit = "" if self.limit is None else f", {self.limit} boxes"
        return f"from score {self.bbox_thr:g}, IoU {self.nms_thr:g}{limit}"


class DetectorSetup(msgspec.Struct, frozen=True):
    """What a detector that is a network of ours, or made like one, is told."""

    runtime: Runtime
    precision: Precision
    """Neither is ``AUTO``."""
    long_side: int
    """Pixels that a picture's longer side is scaled to, a multiple of 32."""

    def __str__(self) -> str:
        return f"{self.runtime}, {self.precision}, {self.long_side} pixels"


class Recipe(msgspec.Struct, frozen=True):
    """How one shard is annotated.

    Three kinds of fields change no byte of ``predictions.json`` and ``dataset.json``, and only
    :func:`mpn_cli.engine.job.what_decides` says so: where the weights lie, the overlays, and the
    batch where the network's heatmaps are the same in any. Whatever else is added here is part of a
    job's hash by itself.
    """

    model: str
    """A name from the registry, of a plug-in, or ``onnx:FILE`` with what was said of it."""
    joints: int
    weights: str
    """Path of the weight file."""
    weights_sha256: str
    runtime: Runtime
    """Not ``AUTO``: what it means is decided before."""
    precision: Precision
    """Of the pose network; not ``AUTO`` either."""
    device: str
    """The kind of device that the network runs on: cpu, cuda or mps."""
    detector: str
    """"" where all pictures come with boxes."""
    detector_sha256: str
    """Of the network behind it; "" for plug-ins."""
    detector_setup: DetectorSetup | None
    """None for detectors that run as they like."""
    detected: BoxChoice
    """Of the detector's boxes."""
    given: BoxChoice
    """Of the boxes in a detection list."""
    flip: bool
    flip_thr: float
    """Detected boxes of a lower score are looked into without the flip test; 0 where there are
    none, or nothing is mirrored."""
    decode: Decode
    score: Score
    """Not ``AUTO``."""
    joint_confidence: JointConfidence
    """Not ``AUTO``."""
    score_sha256: str
    """Of the score model beside the weights; "" where nothing needs it."""
    nms: str
    nms_method: str
    nms_thr: float
    kpt_thr: float
    oks_vis_thr: float | None
    max_dets: int
    pose_thr: float
    """Poses of a lower score are kept from dataset.json, overlays and the report's gallery."""
    batch: int
    """Crops the network takes at once."""
    fast_decode: bool
    """Whether large JPEGs may be decoded smaller than they are."""
    overlay: bool
    """Whether pictures with poses are drawn as well."""
    overlay_boxes: bool
    overlay_scores: bool
