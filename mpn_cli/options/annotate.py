"""The options of ``mpn annotate`` and of the Python face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from mpn_models.registry import DEFAULT_MODEL, PERSON_DETECTOR

from mpn_cli.base.choices import Decode, JointConfidence, Precision, Runtime, Score
from mpn_cli.options.declaring import Declared, LongSide, Option, Positive, Rate, Share

INPUTS = "Where pictures and boxes come from"
POSES = "How poses are found"
RUN = "How the job runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotateOptions(Declared):
    """What may also stand in a file or a variable, with its default."""

    NOT_FROM_FILES: ClassVar[Mapping[str, str]] = {
        "resume": "it decides whether results are deleted",
        "cluster": "whoever answers there runs code here",
    }

    out: Annotated[Path, Option("Results folder.", names=("--out", "-o"), written=True)] = Path(
        "mpn-out"
    )
    detector: Annotated[
        str,
        Option(
            "Finds people where no boxes are given: a name from mpn detectors, full-image, or"
            " onnx:FILE.",
            panel=INPUTS,
        ),
    ] = "person"
    detector_size: Annotated[
        LongSide,
        Option(
            "Pixels that the built-in detector scales a picture's longer side to; larger finds"
            " more small people, a multiple of 32.",
            panel=INPUTS,
        ),
    ] = PERSON_DETECTOR.long_side
    bbox_thr: Annotated[
        Share,
        Option(
            "Leave out detected boxes with a lower score.",
            shown="0.2; a detection list's own boxes are all used",
            panel=INPUTS,
        ),
    ] = 0.2
    box_nms_thr: Annotated[
        Share,
        Option("Leave out boxes that overlap a better one more than this (IoU).", panel=INPUTS),
    ] = 0.55
    max_boxes: Annotated[Positive, Option("Maximum number of boxes per picture.", panel=INPUTS)] = (
        100
    )
    every: Annotated[
        Positive | None,
        Option("Of videos: take only each Nth frame.", shown="all frames", panel=INPUTS),
    ] = None
    fps: Annotated[
        Rate | None,
        Option(
            "Of videos: take at most so many frames per second.", shown="all frames", panel=INPUTS
        ),
    ] = None
    model: Annotated[
        str, Option("A name from mpn models, a weights file, or onnx:FILE.", panel=POSES)
    ] = DEFAULT_MODEL
    nms: Annotated[
        str,
        Option(
            "Removes duplicate poses; see mpn backends.",
            shown="hard; none for a data set's own people",
            panel=POSES,
        ),
    ] = "hard"
    nms_method: Annotated[
        str,
        Option(
            "The backend's method, where it has several.", shown="the first it names", panel=POSES
        ),
    ] = "hard"
    nms_thr: Annotated[
        Share, Option("Poses whose OKS is over this are duplicates.", panel=POSES)
    ] = 0.8
    kpt_thr: Annotated[
        Share,
        Option(
            "Joints up to this confidence are not found, and don't count in --score paper.",
            panel=POSES,
        ),
    ] = 0.1
    oks_vis_thr: Annotated[
        Share | None,
        Option("OKS over joints more confident than this only.", shown="off", panel=POSES),
    ] = None
    max_dets: Annotated[
        Positive, Option("Soft and matrix NMS keep at most so many poses per picture.", panel=POSES)
    ] = 20
    pose_thr: Annotated[
        Share | None,
        Option(
            "Leave poses with a lower score out of dataset.json, overlays and the report's"
            " gallery; predictions.json keeps all.",
            shown="0.45, with --score paper 0.2; 0 for a data set's people and full-image",
            panel=POSES,
        ),
    ] = None
    flip: Annotated[
        bool,
        Option(
            "Average with the mirrored crop: twice the work, better poses.",
            panel=POSES,
            names=("--flip/--no-flip",),
        ),
    ] = True
    flip_thr: Annotated[
        Share,
        Option(
            "Lowest score of a detected box for --flip; boxes that come with the pictures always"
            " get the flip test.",
            panel=POSES,
        ),
    ] = 0.3
    decode: Annotated[Decode, Option("dark or quarter.", panel=POSES)] = Decode.DARK
    score: Annotated[
        Score,
        Option(
            "A pose's score: expected-oks, how well it should fit (mpn calibrate), or paper,"
            " eq. 6: the mean confidence times the box's score.",
            shown="expected-oks, where the network has a score model",
            panel=POSES,
        ),
    ] = Score.AUTO
    joint_confidence: Annotated[
        JointConfidence,
        Option(
            "A joint's written confidence: calibrated, its chance of being right, or network,"
            " the heatmap's peak.",
            shown="calibrated, where the network has a score model",
            panel=POSES,
        ),
    ] = JointConfidence.AUTO
    track: Annotated[
        bool,
        Option(
            "Of videos: give a person the same track_id in all frames.",
            panel=POSES,
            names=("--track/--no-track",),
        ),
    ] = False
    runtime: Annotated[
        Runtime, Option("openvino, torch, or auto: the fastest that is installed.", panel=RUN)
    ] = Runtime.AUTO
    precision: Annotated[
        Precision,
        Option(
            "fp32, int8 (faster, a little less exact; openvino only), or auto: the pose network in"
            " fp32, the built-in detector in int8.",
            panel=RUN,
        ),
    ] = Precision.AUTO
    device: Annotated[str, Option("cpu, cuda, cuda:0,1 or mps.", panel=RUN)] = "cpu"
    workers: Annotated[
        Positive | None,
        Option(
            "Processes that share the cores; results are the same with any number.",
            shown="one per core",
            panel=RUN,
        ),
    ] = None
    batch: Annotated[Positive, Option("Crops the network takes at once.", panel=RUN)] = 4
    shard_size: Annotated[
        Positive | None,
        Option("Pictures that are finished and kept together.", shown="4 to 32", panel=RUN),
    ] = None
    resume: Annotated[
        bool,
        Option(
            "Go on where an earlier run stopped, or start over.",
            panel=RUN,
            names=("--resume/--no-resume",),
        ),
    ] = True
    cluster: Annotated[
        str | None,
        Option(
            "Run on a Dask cluster: tcp://HOST:8786, a scheduler file, or local.",
            shown="this machine's processes",
            panel=RUN,
        ),
    ] = None
    fast_decode: Annotated[
        bool,
        Option(
            "Decode large JPEGs smaller where crops don't need all their pixels.",
            panel=RUN,
            names=("--fast-decode/--full-decode",),
        ),
    ] = False
    overlay: Annotated[
        bool,
        Option(
            "Also write pictures with the poses drawn.",
            panel=RUN,
            names=("--overlay/--no-overlay",),
        ),
    ] = False
    overlay_boxes: Annotated[
        bool,
        Option(
            "Draw the boxes on the overlays, too.",
            panel=RUN,
            names=("--overlay-boxes/--no-overlay-boxes",),
        ),
    ] = False
    overlay_scores: Annotated[
        bool,
        Option(
            "Write the poses' scores on the overlays, too.",
            panel=RUN,
            names=("--overlay-scores/--no-overlay-scores",),
        ),
    ] = False
    keep_parts: Annotated[
        bool,
        Option(
            "Keep finished shards in parts/.",
            panel=RUN,
            names=("--keep-parts/--remove-parts",),
        ),
    ] = False
