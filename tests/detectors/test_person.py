"""The built-in detector as the pipeline runs it."""

import numpy as np
import pytest

from mpn_cli.base.arrays import Float64Array
from mpn_cli.base.choices import Precision, Runtime
from mpn_cli.base.recipe import DetectorSetup
from mpn_cli.detectors.person import SCORE_FLOOR, PersonBoxes
from mpn_cli.geometry.boxes import box_nms
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.layers import resolve
from mpn_cli.options.recipes import make_recipe
from mpn_cli.sources.reading import read_picture
from tests.conftest import ROOT

PICTURES = [read_picture(str(file)) for file in sorted((ROOT / "examples").glob("*.jpg"))]


def boxes_of(runtime: Runtime, precision: Precision, long_side: int = 416) -> list[Float64Array]:
    return PersonBoxes(DetectorSetup(runtime, precision, long_side), threads=1)(PICTURES)


@pytest.fixture(scope="module")
def in_torch() -> list[Float64Array]:
    return boxes_of(Runtime.TORCH, Precision.FP32)


def test_openvino_finds_what_torch_finds(in_torch: list[Float64Array]) -> None:
    for ours, theirs in zip(boxes_of(Runtime.OPENVINO, Precision.FP32), in_torch, strict=True):
        sure = theirs[theirs[:, 4] > SCORE_FLOOR + 1e-3]
        near = np.abs(ours[:, None, 4] - sure[None, :, 4])
        near = np.maximum(near * 100, np.abs(ours[:, None, :4] - sure[None, :, :4]).max(axis=2))
        assert near.min(axis=0).max() < 0.05  # pixels, and half a thousandth of score


def test_the_int8_form_finds_the_same_people(in_torch: list[Float64Array]) -> None:
    compared = 0
    for ours, theirs in zip(boxes_of(Runtime.OPENVINO, Precision.INT8), in_torch, strict=True):
        people = theirs[theirs[:, 4] > 0.3]
        people = people[box_nms(people[:, :4], people[:, 4], 0.5)]
        compared += len(people)
        for person in people:
            corners = np.maximum(ours[:, :2], person[:2])
            ends = np.minimum(ours[:, :2] + ours[:, 2:4], person[:2] + person[2:4])
            overlap = (ends - corners).clip(min=0).prod(axis=1)
            union = ours[:, 2:4].prod(axis=1) + person[2:4].prod() - overlap
            close = overlap / union > 0.7
            assert np.abs(ours[close, 4] - person[4]).min() < 0.1
    assert compared >= 10


def test_boxes_lie_in_their_picture_whatever_the_size() -> None:
    for long_side in (96, 416):
        found = boxes_of(Runtime.TORCH, Precision.FP32, long_side)
        for picture, boxes in zip(PICTURES, found, strict=True):
            ends = boxes[:, :2] + boxes[:, 2:4]
            assert (boxes[:, :2] >= 0).all()
            assert (ends <= np.array([picture.shape[1], picture.shape[0]]) + 1e-9).all()
            assert (boxes[:, 4] >= SCORE_FLOOR).all()


@pytest.mark.parametrize(
    ("options", "pose", "detector"),
    [
        ({}, "fp32", ("openvino", "int8")),
        ({"precision": "fp32"}, "fp32", ("openvino", "fp32")),
        ({"precision": "int8"}, "int8", ("openvino", "int8")),
        ({"runtime": "torch"}, "fp32", ("torch", "fp32")),
    ],
)
def test_what_precision_means(
    options: dict[str, str], pose: str, detector: tuple[str, str]
) -> None:
    recipe = make_recipe(
        resolve(AnnotateOptions, {"detector": "person", **options}), labelled=False
    )
    assert recipe.precision == pose
    assert recipe.detector_setup == DetectorSetup(Runtime(detector[0]), Precision(detector[1]), 416)
