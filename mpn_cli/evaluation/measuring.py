"""One results file measured: COCO's ten numbers, who was matched with whom, who is near whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mpn_cli.base.arrays import Float64Array
from mpn_cli.base.errors import InputError
from mpn_cli.evaluation.coco import Engine, Evaluation, keypoint_evaluation, load_truth
from mpn_cli.evaluation.ground_truth import GroundTruth
from mpn_cli.evaluation.matches import NAMES, Matches
from mpn_cli.evaluation.matching import Judged, match
from mpn_cli.evaluation.results import Results
from mpn_cli.evaluation.similarity import Candidates, Nearest, Places, compare

OWN = "mpn"
"""The engine that works on columns, without a dictionary for each result."""

ENGINES = (OWN, *Engine)


@dataclass(frozen=True, slots=True)
class Measured:
    """What results come to."""

    evaluation: Evaluation
    nearest: Nearest
    candidates: Candidates
    judged: Judged


def check_engine(name: str) -> None:
    """Raise InputError where a name is no engine's."""
    if name not in ENGINES:
        raise InputError(f"--engine {name}: not one of {', '.join(ENGINES)}")


def measure(truth: GroundTruth, results: Results, engine: str = OWN) -> Measured:
    """Measure results; all engines give the same numbers."""
    nearest, candidates = compare(truth, results.places, results.pictures, results.rows)
    judged = judged_results(results)
    if engine != OWN:
        loaded = load_truth(truth.content(), Engine(engine))
        evaluation = keypoint_evaluation(loaded, results.content(), truth.custom_sigmas)
    elif not len(results.rows):
        evaluation = Evaluation(dict.fromkeys(NAMES, 0.0), Matches([], (), {}))
    else:
        matches = match(truth, judged, candidates)
        once = np.ones((1, len(matches.pictures)), np.int64)
        numbers = dict(zip(NAMES, matches.numbers(once)[0].tolist(), strict=True))
        evaluation = Evaluation(numbers, matches)
    return Measured(evaluation, nearest, candidates, judged)


def judged_results(results: Results) -> Judged:
    """The results for known pictures, with areas as COCO's evaluation takes them.

    That is the box's, where the file has boxes, else that of the rectangle around the joints.
    """
    if results.poses.boxed:
        boxes = np.array(results.poses.boxes, dtype=np.float64).reshape(-1, 4)
        areas = boxes[:, 2] * boxes[:, 3]
    else:
        areas = areas_around(results.places)
    rows = results.rows
    return Judged(
        rows,
        results.pictures[rows],
        results.categories[rows],
        results.scores[rows],
        areas[rows],
    )


def areas_around(places: Places) -> Float64Array:
    """(N,) areas of the rectangles around poses, pixels squared."""
    sizes = []
    for axis in places:
        # Joint by joint for all poses: a reduction along the short axis takes ten times as long.
        low, high = (np.full(len(axis), end) for end in (np.inf, -np.inf))
        for column in axis.T:
            np.minimum(low, column, out=low)
            np.maximum(high, column, out=high)
        sizes.append(high - low)
    return np.asarray(sizes[0] * sizes[1])
