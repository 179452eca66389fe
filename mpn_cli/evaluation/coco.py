"""COCO's ten keypoint numbers, by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import coco as coco_files
from pycocotools.cocoeval import COCOeval

NAMES = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")


def load_truth(source: str | dict[str, Any]) -> coco_files.COCO:
    """A ground truth from a file's path or its content."""
    with contextlib.redirect_stdout(io.StringIO()):
        if isinstance(source, str):
            return coco_files.COCO(source)
        truth = coco_files.COCO()
        truth.dataset = source
        truth.createIndex()
        return truth


def keypoint_numbers(
    truth: coco_files.COCO,
    results: str | list[dict[str, Any]],
    sigmas: Sequence[float] | None = None,
) -> dict[str, float]:
    """The ten numbers, by name, of COCO keypoint results (a path, or their content).

    ``sigmas`` are OKS constants for joint sets other than COCO's. No results at all give 0.
    """
    if not results:
        return dict.fromkeys(NAMES, 0.0)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, truth.loadRes(results), "keypoints")
        if sigmas is not None:
            evaluation.params.kpt_oks_sigmas = np.array(sigmas)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(NAMES, map(float, evaluation.stats), strict=True))
