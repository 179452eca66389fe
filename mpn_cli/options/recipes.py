"""From the user's settings to the recipe that is sent to workers."""

from __future__ import annotations

from typing import Any

from mpn_nms.registry import find_backend

from mpn_cli.base.choices import Precision, Runtime, Score
from mpn_cli.base.devices import CPU, device_kind
from mpn_cli.base.errors import InputError
from mpn_cli.base.recipe import BoxChoice, DetectorSetup, Recipe
from mpn_cli.detectors.registry import DetectorSource, find_detector
from mpn_cli.networks.scoring import POSE_THR, choose_scoring
from mpn_cli.networks.sources import choose_runtime, find_network
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.layers import Resolved

DEVICE_BATCH = 128
"""Default batch size (number of crops) on a GPU."""

_DECIDED = (
    "score",
    "joint_confidence",
    "runtime",
    "precision",
    "nms",
    "nms_method",
    "pose_thr",
    "batch",
)
"""Options that the user may leave open; the recipe holds the values chosen for them."""


def make_recipe(
    resolved: Resolved[AnnotateOptions], *, labelled: bool = False, boxed: bool = False
) -> Recipe:
    """The recipe of some settings.

    labelled: boxes are a data set's people; boxed: every picture comes with its boxes. A data
    set's own people are no duplicates of each other: unless the user names a backend, they are
    only put in order. Raises InputError and PluginError for what can't be used.
    """
    settings = resolved.settings
    kind = device_kind(settings.device)
    network = find_network(settings.model)
    network.check_options(settings.device, settings.runtime, settings.precision)
    scoring = choose_scoring(
        settings.score, settings.joint_confidence, network.weights, network.sha256
    )
    nms = "none" if labelled and resolved.is_default("nms") else settings.nms
    methods = find_backend(nms).methods
    runtime = (
        choose_runtime(settings.runtime, settings.precision) if kind == "cpu" else Runtime.TORCH
    )
    detector = find_detector(settings.detector)
    detector_sha256 = detector.checked_sha256()
    setup = _detector_setup(resolved, detector, runtime)
    by_score = settings.flip and not boxed and not detector.whole_pictures
    unsaid = resolved.is_default("nms_method") and settings.nms_method not in methods
    return Recipe(
        model=network.name,
        joints=network.joints,
        weights=str(network.weights),
        weights_sha256=network.sha256,
        runtime=runtime,
        precision=(Precision.FP32 if settings.precision is Precision.AUTO else settings.precision),
        device=kind,
        detector="" if boxed else settings.detector,
        detector_sha256="" if boxed else detector_sha256,
        detector_setup=None if boxed else setup,
        detected=BoxChoice(settings.bbox_thr, settings.box_nms_thr, settings.max_boxes),
        given=_given_boxes(resolved),
        flip=settings.flip,
        flip_thr=settings.flip_thr if by_score else 0.0,
        decode=settings.decode,
        score=scoring.score,
        joint_confidence=scoring.joint_confidence,
        score_sha256=scoring.sha256,
        nms=nms,
        nms_method=methods[0] if unsaid else settings.nms_method,
        nms_thr=settings.nms_thr,
        kpt_thr=settings.kpt_thr,
        oks_vis_thr=settings.oks_vis_thr,
        max_dets=settings.max_dets,
        pose_thr=_pose_thr(
            resolved, all_people=labelled or detector.whole_pictures, score=scoring.score
        ),
        batch=DEVICE_BATCH if kind != "cpu" and resolved.is_default("batch") else settings.batch,
        fast_decode=settings.fast_decode,
        overlay=settings.overlay or settings.overlay_boxes or settings.overlay_scores,
        overlay_boxes=settings.overlay_boxes,
        overlay_scores=settings.overlay_scores,
        track=settings.track,
    )


def _detector_setup(
    resolved: Resolved[AnnotateOptions], detector: DetectorSource, runtime: Runtime
) -> DetectorSetup | None:
    """The detector's settings. Raises InputError for a size that it does not support."""
    settings = resolved.settings
    if not detector.takes_setup:
        if not resolved.is_default("detector_size"):
            raise InputError(
                f"--detector-size is not for --detector {settings.detector};"
                " an ONNX file's input size is said with its name (onnx:FILE,size=640/640)"
            )
        return None
    precision = settings.precision
    if runtime is Runtime.TORCH:
        precision = Precision.FP32
    elif precision is Precision.AUTO:
        precision = Precision.INT8
    return DetectorSetup(runtime, precision, settings.detector_size)


def _pose_thr(resolved: Resolved[AnnotateOptions], *, all_people: bool, score: Score) -> float:
    """``--pose-thr``; by default 0 where a person is known to be in every box."""
    if resolved.settings.pose_thr is not None:
        return resolved.settings.pose_thr
    return 0.0 if all_people else POSE_THR[score]


def _takes_whole_pictures(recipe: Recipe) -> bool:
    """Whether the detector's boxes are whole pictures."""
    return bool(recipe.detector) and find_detector(recipe.detector).whole_pictures


def _flips_by_score(recipe: Recipe) -> bool:
    """Whether a box's score decides if it gets the flip test, as for a detector's boxes."""
    return recipe.flip and bool(recipe.detector) and not _takes_whole_pictures(recipe)


def idle_options(
    resolved: Resolved[AnnotateOptions],
    recipe: Recipe,
    *,
    labelled: bool,
    videos: bool = False,
) -> list[str]:
    """One line per option that was given on the command line and has no effect in this job."""
    still = "" if videos else "there is no video among the sources"
    method = f"--nms {recipe.nms}"
    if recipe.nms != recipe.nms_method:
        method += f" --nms-method {recipe.nms_method}"
    # Nothing is known about the methods of a plug-in.
    drops = recipe.nms in ("none", "hard", "numba") and recipe.nms_method in ("none", "hard")
    boxed = "every picture comes with its boxes" if not recipe.detector else ""
    whole = "each picture is taken as one person" if _takes_whole_pictures(recipe) else ""
    whole = "a data set's own people are all used" if labelled else whole
    by_score = _flips_by_score(recipe)
    idle = {
        "max_dets": f"{method} keeps all poses that are no duplicates" if drops else "",
        "nms_thr": f"{method} has no threshold"
        if recipe.nms_method == "none" or recipe.nms_method.startswith("matrix")
        else "",
        "oks_vis_thr": f"{method} compares no poses" if recipe.nms_method == "none" else "",
        "detector": boxed,
        "detector_size": boxed,
        "bbox_thr": whole,
        "box_nms_thr": whole,
        "max_boxes": whole,
        "flip_thr": "" if by_score else boxed or whole or "--no-flip mirrors no crop",
        "every": still,
        "fps": still,
        "workers": "each device has one worker" if recipe.device != CPU else "",
    }
    return [
        f"--{name.replace('_', '-')} does nothing here: {why}"
        for name, why in idle.items()
        if why and resolved.origins[name] == "command line"
    ]


def effective_options(
    resolved: Resolved[AnnotateOptions], recipe: Recipe, *, labelled: bool
) -> dict[str, Any]:
    """The settings as JSON values, with what was used where the user left it open.

    Options that had no say are None: the detector's where all boxes were given, thresholds for
    boxes where they are a data set's people (``labelled``).
    """
    options = resolved.as_json()
    options |= {name: getattr(recipe, name) for name in _DECIDED}
    options["detector"] = recipe.detector or None
    choice = recipe.detected if recipe.detector else recipe.given
    options |= {
        "flip_thr": recipe.flip_thr if _flips_by_score(recipe) else None,
        "bbox_thr": None if labelled else choice.bbox_thr,
        "box_nms_thr": None if labelled else choice.nms_thr,
        "max_boxes": None if labelled else choice.limit,
    }
    return options


def _given_boxes(resolved: Resolved[AnnotateOptions]) -> BoxChoice:
    """Filter for boxes given by the user: all are kept, unless a box option was set."""
    settings, everything = resolved.settings, BoxChoice()
    return BoxChoice(
        everything.bbox_thr if resolved.is_default("bbox_thr") else settings.bbox_thr,
        everything.nms_thr if resolved.is_default("box_nms_thr") else settings.box_nms_thr,
        everything.limit if resolved.is_default("max_boxes") else settings.max_boxes,
    )
