"""Everything that determines a job's results: sent to workers, and covered by the job's hash."""

from __future__ import annotations

import msgspec

from mpn_cli.base.choices import Decode, JointConfidence, Precision, Runtime, Score


class BoxChoice(msgspec.Struct, frozen=True):
    """Filter for person boxes; the default keeps all."""

    bbox_thr: float = 0.0
    """Boxes with a score below this are dropped."""
    nms_thr: float = 1.0
    """Boxes whose IoU with a better box exceeds this are dropped."""
    limit: int | None = None
    """Maximum number of boxes per picture, the best first; None: no limit."""

    def __str__(self) -> str:
        limit = "" if self.limit is None else f", {self.limit} boxes"
        return f"from score {self.bbox_thr:g}, IoU {self.nms_thr:g}{limit}"


class DetectorSetup(msgspec.Struct, frozen=True):
    """Settings for detectors derived from ``NetworkDetector``, such as the built-in one."""

    runtime: Runtime
    precision: Precision
    """Numeric precision; like ``runtime``, it is never ``AUTO``."""
    long_side: int
    """Pixels that a picture's longer side is scaled to; a multiple of 32."""

    def __str__(self) -> str:
        return f"{self.runtime}, {self.precision}, {self.long_side} pixels"


class Recipe(msgspec.Struct, frozen=True):
    """How one shard is annotated.

    Three kinds of fields change no byte of ``predictions.json`` and ``dataset.json``: the path of
    the weights, the overlays, and the batch size where the network's heatmaps don't depend on it.
    :func:`mpn_cli.engine.job.what_decides` alone excludes them from a job's hash; every other
    field, including any that is added here, is part of it.
    """

    model: str
    """Name of a registered network or a plug-in, or ``onnx:FILE`` with its key=value pairs."""
    joints: int
    """Number of joints, K."""
    weights: str
    """Path of the weight file."""
    weights_sha256: str
    """SHA-256 of the weights; for a plug-in, its distribution and version."""
    runtime: Runtime
    """Runtime of the pose network; ``AUTO`` has been resolved."""
    precision: Precision
    """Precision of the pose network; ``AUTO`` has been resolved."""
    device: str
    """Kind of device that the pose network runs on: cpu, cuda or mps."""
    detector: str
    """Name of the detector; "" if all pictures come with boxes."""
    detector_sha256: str
    """SHA-256 of the detector's network; "" for plug-ins."""
    detector_setup: DetectorSetup | None
    """Settings of the detector; None for detectors that take none."""
    detected: BoxChoice
    """Filter for the detector's boxes."""
    given: BoxChoice
    """Filter for the boxes of a detection list."""
    flip: bool
    """Whether the network's output is averaged with that for the mirrored crop (the flip test)."""
    flip_thr: float
    """Detected boxes with a score below this get no flip test; 0 if there are no detected boxes or
    the flip test is off."""
    decode: Decode
    score: Score
    """How poses are scored; ``AUTO`` has been resolved."""
    joint_confidence: JointConfidence
    """Which confidence is written for joints; ``AUTO`` has been resolved."""
    score_sha256: str
    """SHA-256 of the score model beside the weights; "" if it is not used."""
    nms: str
    """Name of the NMS backend."""
    nms_method: str
    """Method of the NMS backend."""
    nms_thr: float
    """OKS above which two poses are duplicates."""
    kpt_thr: float
    """Joints with a confidence up to this count as not found."""
    oks_vis_thr: float | None
    """If set, OKS uses only joints more confident than this."""
    max_dets: int
    """Maximum number of poses per picture that soft and matrix NMS keep."""
    pose_thr: float
    """Poses with a score below this are left out of dataset.json, overlays and the gallery."""
    batch: int
    """Number of crops per run of the network."""
    fast_decode: bool
    """Whether large JPEGs may be decoded at reduced resolution."""
    overlay: bool
    """Whether overlays (pictures with the poses drawn) are written too."""
    overlay_boxes: bool
    """Whether overlays show the boxes."""
    overlay_scores: bool
    """Whether overlays show the poses' scores."""
    track: bool = False
    """Whether people in videos are followed from frame to frame."""
