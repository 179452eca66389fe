"""Sums over an evaluation's matches against the engine itself."""

import copy
from typing import Any

import numpy as np
import pytest

from mpn_cli.evaluation.coco import Engine, keypoint_evaluation, keypoint_numbers, load_truth
from mpn_cli.evaluation.matches import NAMES
from tests.evaluation.test_engines import CORNERS, random_files


@pytest.mark.parametrize("corner", CORNERS)
def test_every_picture_once_gives_the_engines_numbers(corner: str) -> None:
    truth, results = random_files(7, **CORNERS[corner])
    for engine in Engine:
        found = keypoint_evaluation(load_truth(truth, engine), results)
        once = np.ones((1, len(found.matches.pictures)), np.int64)
        assert found.matches.numbers(once)[0].tolist() == list(found.numbers.values())


@pytest.mark.parametrize("corner", CORNERS)
def test_weights_are_copies_of_pictures(corner: str) -> None:
    truth, results = random_files(8, **CORNERS[corner])
    found = keypoint_evaluation(load_truth(truth), results)
    weights = np.random.default_rng(0).integers(0, 4, len(found.matches.pictures))
    copied: dict[str, Any] = {**truth, "images": [], "annotations": []}
    copied_results = []
    for picture, times in zip(found.matches.pictures, weights, strict=True):
        for number in range(times):
            of_copy = 1000 * picture + number
            copied["images"].append({"id": of_copy, "width": 640, "height": 480})
            for one in truth["annotations"]:
                if one["image_id"] == picture:
                    other = copy.deepcopy(one) | {
                        "id": len(copied["annotations"]) + 1, "image_id": of_copy,
                    }  # fmt: skip
                    copied["annotations"].append(other)
            copied_results += [
                {**one, "image_id": of_copy} for one in results if one["image_id"] == picture
            ]
    expected = keypoint_numbers(load_truth(copied), copied_results)
    other = np.ones_like(weights)
    (summed, _) = found.matches.numbers(np.stack([weights, other]))
    # Results with one score stand in another order among copies: their AP may differ a little.
    tolerance = 0.02 if CORNERS[corner].get("ties") else 1e-12
    np.testing.assert_allclose(summed, [expected[name] for name in NAMES], rtol=0, atol=tolerance)
