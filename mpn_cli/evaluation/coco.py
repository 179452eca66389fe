"""COCO's numbers, by hotcoco (Rust, fast) or pycocotools (the judge)."""

from __future__ import annotations

import contextlib
import importlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

KEYPOINTS, BOXES = "keypoints", "bbox"

NAMES = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")
"""COCO's ten keypoint numbers, in its order."""


class Engine(StrEnum):
    """What computes the numbers: both give the same, to the last bit."""

    HOTCOCO = "hotcoco"
    PYCOCOTOOLS = "pycocotools"


@dataclass(frozen=True, slots=True)
class Truth:
    """A ground truth, loaded by the engine that will use it."""

    coco: Any
    engine: Engine


def load_truth(source: str | dict[str, Any], engine: Engine = Engine.HOTCOCO) -> Truth:
    """A ground truth from a file's path or its content."""
    with contextlib.redirect_stdout(io.StringIO()):
        if engine is Engine.HOTCOCO:
            import hotcoco

            return Truth(hotcoco.COCO(source), engine)
        from pycocotools.coco import COCO

        if isinstance(source, str):
            return Truth(COCO(source), engine)
        truth = COCO()
        truth.dataset = source
        truth.createIndex()
        return Truth(truth, engine)


def coco_stats(
    truth: Truth,
    results: str | list[dict[str, Any]],
    kind: str,
    sigmas: Sequence[float] | None = None,
) -> list[float]:
    """COCO's summary numbers of results that are not empty (a path, or their content)."""
    module = "hotcoco" if truth.engine is Engine.HOTCOCO else "pycocotools.cocoeval"
    evaluator: Any = importlib.import_module(module).COCOeval
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        # hotcoco warns that own sigmas make another AP than COCO's, which is why they are given.
        warnings.simplefilter("ignore", UserWarning)
        evaluation = evaluator(truth.coco, truth.coco.loadRes(results), kind)
        if sigmas is not None:
            evaluation.params.kpt_oks_sigmas = np.array(sigmas)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats]


def keypoint_numbers(
    truth: Truth,
    results: str | list[dict[str, Any]],
    sigmas: Sequence[float] | None = None,
) -> dict[str, float]:
    """The ten numbers, by name, of COCO keypoint results (a path, or their content).

    ``sigmas`` are OKS constants for joint sets other than COCO's. No results at all give 0.
    """
    if not results:
        return dict.fromkeys(NAMES, 0.0)
    return dict(zip(NAMES, coco_stats(truth, results, KEYPOINTS, sigmas), strict=True))
