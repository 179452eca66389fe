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
from mpn_cli.evaluation.similarity import Candidates, Nearest, compare

OWN = "mpn"
"""The engine that works on columns, without a dictionary for each result."""

ENGINES = (OWN, *Engine)


@dataclass(frozen=True, slots=True)
class Measured:
    """What results come to."""

    evaluation: Evaluation
    nearest: Nearest
    candidates: Candidates


def check_engine(name: str) -> None:
    """Raise InputError where a name is no engine's."""
    if name not in ENGINES:
        raise InputError(f"--engine {name}: not one of {', '.join(ENGINES)}")


def measure(truth: GroundTruth, results: Results, engine: str = OWN) -> Measured:
    """Measure results; all engines give the same numbers."""
    nearest, candidates = compare(truth, results.keypoints, results.pictures, results.rows)
    if engine != OWN:
        loaded = load_truth(truth.content(), Engine(engine))
        evaluation = keypoint_evaluation(loaded, results.content(), truth.custom_sigmas)
    elif not len(results.rows):
        evaluation = Evaluation(dict.fromkeys(NAMES, 0.0), Matches([], (), {}))
    else:
        matches = match(truth, judged_results(results), candidates)
        once = np.ones((1, len(matches.pictures)), np.int64)
        numbers = dict(zip(NAMES, matches.numbers(once)[0].tolist(), strict=True))
        evaluation = Evaluation(numbers, matches)
    return Measured(evaluation, nearest, candidates)


def judged_results(results: Results, keypoints: Float64Array | None = None) -> Judged:
    """The results for known pictures, with areas as COCO's evaluation takes them.

    That is the box's, where the file has boxes, else that of the rectangle around the joints.
    keypoints: (N, K, 3) in place of the results' own.
    """
    rows = results.rows
    if results.poses.boxed:
        sizes = np.array(results.poses.boxes, dtype=np.float64).reshape(-1, 4)[rows, 2:]
    else:
        places = (results.keypoints if keypoints is None else keypoints)[rows]
        x, y = places[..., 0], places[..., 1]
        sizes = np.stack([x.max(axis=1) - x.min(axis=1), y.max(axis=1) - y.min(axis=1)], axis=1)
    return Judged(
        rows,
        results.pictures[rows],
        results.categories[rows],
        results.scores[rows],
        sizes[:, 0] * sizes[:, 1],
    )
