from pathlib import Path

import numpy as np
import pytest
from mpn_models.registry import DEFAULT_MODEL, MODELS
from mpn_models.weights import WeightsError, read_header

from mpn_cli.base.arrays import Picture
from mpn_cli.base.choices import Decode
from mpn_cli.base.errors import InputError
from mpn_cli.geometry.crops import regions_of_boxes, warp_crop
from mpn_cli.geometry.decoding import decode
from mpn_cli.networks.openvino_forms import checked_int8_form
from mpn_cli.networks.pose_openvino import (
    OpenVinoEstimator,
    openvino_form,
)
from mpn_cli.networks.pose_torch import TorchEstimator
from mpn_cli.sources.reading import read_picture
from tests.conftest import ROOT

MODEL = MODELS[DEFAULT_MODEL]
INPUT_PIXELS_A_CELL = 4


@pytest.fixture(scope="module")
def crops() -> Picture:
    pictures = [read_picture(str(file)) for file in sorted((ROOT / "examples").glob("*.jpg"))]
    boxes = [np.array([[0, 0, p.shape[1], p.shape[0]]], dtype=float) for p in pictures]
    regions = [regions_of_boxes(box, MODEL.input_size) for box in boxes]
    return np.stack(
        [
            warp_crop(picture, region.centres[0], region.sizes[0], MODEL.input_size)
            for picture, region in zip(pictures, regions, strict=True)
        ]
    )


def form() -> Path:
    return openvino_form(MODEL, MODEL.weights, read_header(MODEL.weights).sha256)


def test_both_runtimes_agree(crops: Picture) -> None:
    theirs = OpenVinoEstimator(form(), MODEL, None).heatmaps(crops)
    ours = TorchEstimator(MODEL, MODEL.weights, None).heatmaps(crops)
    assert np.abs(theirs - ours).max() < 1e-3
    found, expected = decode(theirs, Decode.DARK), decode(ours, Decode.DARK)
    apart = np.linalg.norm(found[0] - expected[0], axis=2) * INPUT_PIXELS_A_CELL
    assert apart[expected[1] > 0.1].max() < 0.05


def test_threads_and_batches_do_not_change_a_bit(crops: Picture) -> None:
    one = OpenVinoEstimator(form(), MODEL, 1).heatmaps(crops)
    np.testing.assert_array_equal(OpenVinoEstimator(form(), MODEL, 2).heatmaps(crops), one)


def test_a_result_stays_when_the_next_comes(crops: Picture) -> None:
    estimator = OpenVinoEstimator(form(), MODEL, 1)
    first = estimator.heatmaps(crops[:1])
    before = first.copy()
    estimator.heatmaps(crops[1:2])
    np.testing.assert_array_equal(first, before)


def test_the_form_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = form()
    assert made.is_relative_to(tmp_path)
    stamp = made.stat().st_mtime_ns
    assert form() == made
    assert made.stat().st_mtime_ns == stamp
    assert [one.name for one in made.parent.parent.iterdir()] == [made.parent.name]


def test_damaged_weights_make_no_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    damaged = tmp_path / "damaged.safetensors"
    content = bytearray(MODEL.weights.read_bytes())
    content[-5] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(WeightsError, match="does not match its hash"):
        openvino_form(MODEL, damaged, read_header(damaged).sha256)


def test_the_shipped_int8_form_finds_the_same_joints(crops: Picture) -> None:
    shipped = checked_int8_form(MODEL.weights, read_header(MODEL.weights).sha256)
    int8 = OpenVinoEstimator(shipped, MODEL, 1).heatmaps(crops)
    exact = OpenVinoEstimator(form(), MODEL, 1).heatmaps(crops)
    assert not np.array_equal(int8, exact)
    found, expected = decode(int8, Decode.DARK), decode(exact, Decode.DARK)
    apart = np.linalg.norm(found[0] - expected[0], axis=2) * INPUT_PIXELS_A_CELL
    assert np.median(apart[expected[1] > 0.3]) < 1.5


def test_an_int8_form_of_other_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="was made of other weights"):
        checked_int8_form(MODEL.weights, "0" * 64)
    with pytest.raises(InputError, match="has no int8 form"):
        checked_int8_form(tmp_path / "mine.safetensors", "0" * 64)
