"""COCO's numbers, by hotcoco (Rust, fast) or pycocotools (the judge)."""

from __future__ import annotations

import contextlib
import importlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any

import numpy as np

from mpn_cli.base.arrays import IntArray
from mpn_cli.evaluation.matches import AREAS, NAMES, Matched, Matches

KEYPOINTS, BOXES = "keypoints", "bbox"

TruthContent = str | dict[str, Any]
"""A ground truth as an engine takes it: a file's path, or its content."""

Content = str | list[dict[str, Any]]
"""Results, likewise."""


class Engine(StrEnum):
    """What computes the numbers: both give the same, to the last bit."""

    HOTCOCO = "hotcoco"
    PYCOCOTOOLS = "pycocotools"


@dataclass(frozen=True, slots=True)
class Truth:
    """A ground truth, loaded by the engine that will use it."""

    coco: Any
    engine: Engine


def load_truth(source: TruthContent, engine: Engine = Engine.HOTCOCO) -> Truth:
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


def _evaluated(
    truth: Truth,
    results: Content,
    kind: str,
    sigmas: Sequence[float] | None,
) -> Any:
    """The engine's evaluation object, matched but not summed up."""
    module = "hotcoco" if truth.engine is Engine.HOTCOCO else "pycocotools.cocoeval"
    evaluator: Any = importlib.import_module(module).COCOeval
    if truth.engine is Engine.PYCOCOTOOLS and not isinstance(results, str):
        results = [dict(one) for one in results]  # it writes areas and boxes into them
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = evaluator(truth.coco, truth.coco.loadRes(results), kind)
        if sigmas is not None:
            evaluation.params.kpt_oks_sigmas = np.array(sigmas)
        evaluation.evaluate()
    return evaluation


def _summarised(evaluation: Any) -> list[float]:
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        # hotcoco warns that own sigmas make another AP than COCO's, which is why they are given.
        warnings.simplefilter("ignore", UserWarning)
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats]


def coco_stats(
    truth: Truth,
    results: Content,
    kind: str,
    sigmas: Sequence[float] | None = None,
) -> list[float]:
    """COCO's summary numbers of results that are not empty (a path, or their content)."""
    return _summarised(_evaluated(truth, results, kind, sigmas))


def keypoint_numbers(
    truth: Truth,
    results: Content,
    sigmas: Sequence[float] | None = None,
) -> dict[str, float]:
    """The ten numbers, by name, of COCO keypoint results (a path, or their content).

    ``sigmas`` are OKS constants for joint sets other than COCO's. No results at all give 0.
    """
    if not results:
        return dict.fromkeys(NAMES, 0.0)
    return dict(zip(NAMES, coco_stats(truth, results, KEYPOINTS, sigmas), strict=True))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The ten numbers, and who was matched with whom."""

    numbers: dict[str, float]
    matches: Matches


def keypoint_evaluation(
    truth: Truth,
    results: Content,
    sigmas: Sequence[float] | None = None,
) -> Evaluation:
    """As ``keypoint_numbers``, with the matches behind them, from one run of the engine."""
    if not results:
        return Evaluation(dict.fromkeys(NAMES, 0.0), Matches([], (), {}))
    evaluation = _evaluated(truth, results, KEYPOINTS, sigmas)
    matches = _matches(evaluation)
    return Evaluation(dict(zip(NAMES, _summarised(evaluation), strict=True)), matches)


def _matches(evaluation: Any) -> Matches:
    pictures = [int(picture) for picture in evaluation.params.imgIds]
    place = {picture: number for number, picture in enumerate(pictures)}
    ranges = [(float(low), float(high)) for low, high in evaluation.params.areaRng]
    grouped: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for one in evaluation.evalImgs:
        if one is not None:
            low, high = one["aRng"]
            area = AREAS[ranges.index((float(low), float(high)))]
            grouped.setdefault((int(one["category_id"]), area), []).append(one)
    return Matches(
        pictures,
        tuple(float(value) for value in evaluation.params.iouThrs),
        {key: _joined(group, place) for key, group in grouped.items()},
    )


def _joined(group: Sequence[dict[str, Any]], place: dict[int, int]) -> Matched:
    numbers = np.array([place[int(one["image_id"])] for one in group])
    results = np.array([len(one["dtIds"]) for one in group])
    people = np.array([len(one["gtIds"]) for one in group])
    thresholds = len(group[0]["dtMatches"])
    of_results, of_people = _side_by_side(results, thresholds), _side_by_side(people, thresholds)

    def column(name: str, kind: type) -> Any:
        return np.fromiter(chain.from_iterable([one[name] for one in group]), kind)

    def table(name: str, kind: type) -> Any:
        return np.fromiter(chain.from_iterable(chain.from_iterable([o[name] for o in group])), kind)

    return Matched(
        result_ids=column("dtIds", np.int64),
        result_pictures=np.repeat(numbers, results),
        scores=column("dtScores", np.float64),
        partners=table("dtMatches", np.int64)[of_results],
        result_ignored=table("dtIgnore", np.bool_)[of_results],
        person_ids=column("gtIds", np.int64),
        person_pictures=np.repeat(numbers, people),
        person_ignored=column("gtIgnore", np.bool_),
        found_by=table("gtMatches", np.int64)[of_people],
    )


def _side_by_side(widths: IntArray, rows: int) -> IntArray:
    """(rows, sum of widths) where the numbers of tables (rows, width), one after another, stand."""
    starts = np.cumsum(widths) - widths
    within = np.arange(widths.sum()) - np.repeat(starts, widths)
    first = np.repeat(starts * rows, widths) + within
    return np.asarray(first + np.arange(rows)[:, None] * np.repeat(widths, widths))
