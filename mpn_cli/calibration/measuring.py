"""What a score model gains, on pictures that it was not fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mpn_cli.base.arrays import BoolArray, Float64Array
from mpn_cli.base.skeletons import COCO, Skeleton
from mpn_cli.calibration.fitting import NEAR, fit
from mpn_cli.calibration.samples import NOBODY, OWN, Samples
from mpn_cli.evaluation.coco import keypoint_numbers, load_truth
from mpn_cli.evaluation.reliability import correlation, reliability
from mpn_cli.networks.scoring import paper_score

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Figures:
    """One way of scoring on one kind of boxes."""

    ap: float
    correlation: float
    """Correlation of score and OKS."""
    error: float
    """Expected calibration error of the score against the OKS."""


@dataclass(frozen=True, slots=True)
class Gain:
    """Before: the paper's score and the network's confidences; after: the model's."""

    boxes: dict[str, tuple[Figures, Figures]]
    joints: tuple[float, float]
    """Expected calibration error of joints' confidences, in people's own boxes."""


def cross_validate(samples: Samples, skeleton: Skeleton, kpt_thr: float) -> Gain:
    """Each fifth of the pictures is scored by a model fitted on the others. Raises InputError."""
    expected = np.zeros(len(samples))
    chances = np.zeros(samples.confidences.shape)
    for fold in range(FOLDS):
        inside = samples.folds % FOLDS == fold
        if not inside.any():
            continue
        model = fit(samples, ~inside, skeleton, "")
        expected[inside] = model.expected_oks(
            samples.keypoints[inside], samples.confidences[inside], samples.areas[inside], skeleton
        )
        chances[inside] = model.calibrated(samples.confidences[inside])
    paper = paper_score(np.ones(len(samples)), samples.confidences, kpt_thr)
    own = samples.kinds == OWN
    boxes = {
        name: (
            _figures(samples, rows, paper, skeleton),
            _figures(samples, rows, expected, skeleton),
        )
        for name, rows in (("own boxes", own), ("worse boxes, background", ~own))
    }
    seen = samples.labelled & own[:, None]
    right = (samples.similarity[seen] >= NEAR).astype(np.float64)
    return Gain(
        boxes,
        (
            reliability(samples.confidences[seen], right).error,
            reliability(chances[seen], right).error,
        ),
    )


def _figures(
    samples: Samples, rows: BoolArray, scores: Float64Array, skeleton: Skeleton
) -> Figures:
    oks = samples.oks
    return Figures(
        _ap(samples, rows, scores, skeleton),
        correlation(scores[rows], oks[rows]),
        reliability(scores[rows], oks[rows]).error,
    )


def _ap(samples: Samples, rows: BoolArray, scores: Float64Array, skeleton: Skeleton) -> float:
    """COCO's AP of some samples, all people of theirs being asked for."""
    ids = {key: n + 1 for n, key in enumerate(sorted(set(samples.pictures)))}
    truth: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for row in np.flatnonzero(rows | (samples.kinds == OWN)):
        person, picture = samples.people[row], ids[samples.pictures[row]]
        if samples.kinds[row] == OWN and person is not None:
            truth.append(
                {
                    "id": len(truth) + 1,
                    "image_id": picture,
                    "category_id": 1,
                    "iscrowd": 0,
                    "bbox": person.bbox,
                    "area": person.area,
                    "keypoints": person.keypoints,
                    "num_keypoints": person.labelled,
                }
            )
        if rows[row]:
            pose = np.column_stack([samples.keypoints[row], samples.confidences[row]])
            found.append(
                {
                    "image_id": picture,
                    "category_id": 1,
                    "keypoints": pose.reshape(-1).tolist(),
                    "score": float(scores[row]),
                }
            )
    content = {
        "images": [{"id": one} for one in ids.values()],
        "annotations": truth,
        "categories": [{"id": 1, "name": "person"}],
    }
    sigmas = None if skeleton is COCO else skeleton.sigmas
    return keypoint_numbers(load_truth(content), found, sigmas)["AP"]


def as_fitted(samples: Samples, gain: Gain) -> dict[str, float]:
    """What a score model's file says of how it was made."""
    people = int((samples.kinds == OWN).sum())
    before, after = gain.boxes["own boxes"]
    return {
        "people": people,
        "pictures": len(set(samples.pictures)),
        "background_boxes": int((samples.kinds == NOBODY).sum()),
        "ap_before": round(before.ap, 4),
        "ap_after": round(after.ap, 4),
        "correlation_before": round(before.correlation, 4),
        "correlation_after": round(after.correlation, 4),
        "joint_error_before": round(gain.joints[0], 4),
        "joint_error_after": round(gain.joints[1], 4),
    }
