"""From settings to the recipe that workers are sent."""

from __future__ import annotations

from mpn_cli.detectors.registry import find_detector
from mpn_cli.estimators.loading import choose_runtime, find_weights
from mpn_cli.pipeline.recipe import Recipe
from mpn_cli.settings import Resolved
from nms_backends.registry import find_backend


def make_recipe(resolved: Resolved, labelled: bool) -> Recipe:
    """The recipe of some settings.

    A data set's own people are no duplicates of each other: unless the user names a backend,
    they are only put in order.
    """
    settings = resolved.settings
    model, weights, header = find_weights(settings.model)
    nms = "none" if labelled and resolved.is_default("nms") else settings.nms
    methods = find_backend(nms).methods
    find_detector(settings.detector)  # what can't be used is said before any work
    unsaid = resolved.is_default("nms_method") and settings.nms_method not in methods
    return Recipe(
        model=model.name,
        weights=str(weights),
        weights_sha256=header.sha256,
        runtime=choose_runtime(settings.runtime, settings.precision),
        precision=settings.precision,
        detector=settings.detector,
        flip=settings.flip,
        decode=settings.decode,
        nms=nms,
        nms_method=methods[0] if unsaid else settings.nms_method,
        nms_thr=settings.nms_thr,
        kpt_thr=settings.kpt_thr,
        oks_vis_thr=settings.oks_vis_thr,
        max_dets=settings.max_dets,
        batch=settings.batch,
        overlay=settings.overlay,
    )
