"""From settings to the recipe that workers are sent."""

from __future__ import annotations

from typing import Any

from mpn_cli.detectors.registry import detector_hash
from mpn_cli.estimators.loading import choose_runtime, find_network
from mpn_cli.pipeline.devices import device_kind
from mpn_cli.pipeline.recipe import BoxChoice, Recipe, Runtime
from mpn_cli.settings import Resolved
from nms_backends.registry import find_backend

DEVICE_BATCH = 128
"""Crops that a GPU takes at once, where the user says nothing."""


def make_recipe(resolved: Resolved, labelled: bool, boxed: bool = False) -> Recipe:
    """The recipe of some settings.

    labelled: boxes are a data set's people; boxed: every picture comes with its boxes. A data
    set's own people are no duplicates of each other: unless the user names a backend, they are
    only put in order. Raises InputError and PluginError for what can't be used.
    """
    settings = resolved.settings
    kind = device_kind(settings.device)
    network = find_network(settings.model, settings.runtime, settings.precision)
    nms = "none" if labelled and resolved.is_default("nms") else settings.nms
    methods = find_backend(nms).methods
    detector_sha256 = detector_hash(settings.detector)
    unsaid = resolved.is_default("nms_method") and settings.nms_method not in methods
    return Recipe(
        model=network.name,
        joints=network.joints,
        weights=str(network.weights),
        weights_sha256=network.sha256,
        runtime=(
            choose_runtime(settings.runtime, settings.precision) if kind == "cpu" else Runtime.TORCH
        ),
        precision=settings.precision,
        device=kind,
        detector="" if boxed else settings.detector,
        detector_sha256="" if boxed else detector_sha256,
        detected=BoxChoice(settings.bbox_thr, settings.box_nms_thr, settings.max_boxes),
        given=_given_boxes(resolved),
        flip=settings.flip,
        decode=settings.decode,
        nms=nms,
        nms_method=methods[0] if unsaid else settings.nms_method,
        nms_thr=settings.nms_thr,
        kpt_thr=settings.kpt_thr,
        oks_vis_thr=settings.oks_vis_thr,
        max_dets=settings.max_dets,
        batch=DEVICE_BATCH if kind != "cpu" and resolved.is_default("batch") else settings.batch,
        fast_decode=settings.fast_decode,
        overlay=settings.overlay or settings.overlay_boxes or settings.overlay_scores,
        overlay_boxes=settings.overlay_boxes,
        overlay_scores=settings.overlay_scores,
    )


def effective_options(resolved: Resolved, recipe: Recipe, labelled: bool) -> dict[str, Any]:
    """The settings as JSON values, with what was used where the user left it open.

    Options that had no say are None: the detector's where all boxes were given, thresholds for
    boxes where they are a data set's people (``labelled``).
    """
    options = resolved.settings.model_dump(mode="json")
    for name in ("runtime", "nms", "nms_method", "batch"):
        options[name] = getattr(recipe, name)
    options["detector"] = recipe.detector or None
    choice = recipe.detected if recipe.detector else recipe.given
    options |= {
        "bbox_thr": None if labelled else choice.bbox_thr,
        "box_nms_thr": None if labelled else choice.nms_thr,
        "max_boxes": None if labelled else choice.limit,
    }
    return options


def _given_boxes(resolved: Resolved) -> BoxChoice:
    """Boxes that a user brings are all meant, but for what the user says of them."""
    settings, everything = resolved.settings, BoxChoice()
    return BoxChoice(
        everything.bbox_thr if resolved.is_default("bbox_thr") else settings.bbox_thr,
        everything.nms_thr if resolved.is_default("box_nms_thr") else settings.box_nms_thr,
        everything.limit if resolved.is_default("max_boxes") else settings.max_boxes,
    )
