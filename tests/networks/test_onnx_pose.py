import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mpn_cli import Annotator
from mpn_cli.base.errors import InputError
from mpn_cli.networks.onnx_files import OnnxFile, OnnxSession
from mpn_cli.networks.onnx_names import OnnxName
from mpn_cli.networks.pose_onnx import OnnxEstimator
from mpn_cli.sources.reading import read_picture
from tests.conftest import SHARED_DATA
from tests.onnx_networks import (
    HEIGHT,
    SAID,
    WIDTH,
    heatmap_network,
    other_network,
    picture_of,
    simcc_network,
    spread_joints,
)

WHOLE = np.array([[WIDTH * 0.1, HEIGHT * 0.1, WIDTH * 0.8, HEIGHT * 0.8]])
"""A box whose crop, 1.25 times as large, is the whole picture, pixel for pixel."""


def keypoints_of(network: str, joints: np.ndarray, radius: int = 0, **options: Any) -> np.ndarray:
    annotator = Annotator(model=network, detector="full-image", **options)
    return np.asarray(annotator.annotate(picture_of(joints, radius), WHOLE).keypoints[0])


@pytest.mark.parametrize("y_first", [False, True])
def test_simcc_positions_come_back_within_half_a_bin(tmp_path: Path, y_first: bool) -> None:
    file = simcc_network(tmp_path / "simcc.onnx", y_first)
    joints = spread_joints()
    found = keypoints_of(f"onnx:{file}{SAID}", joints, flip=False)
    assert np.abs(found - joints).max() <= 0.25  # two bins a pixel


def test_simcc_with_flip_test(tmp_path: Path) -> None:
    file = simcc_network(tmp_path / "simcc.onnx")
    estimator = OnnxEstimator(OnnxName.parse(f"onnx:{file}{SAID}", "--model"), 1)
    assert (estimator.joints, estimator.input_size) == (17, (WIDTH, HEIGHT))
    assert not estimator.conventions.shift_flipped


def test_biased_heatmaps_count_cells_from_the_left_edge(tmp_path: Path) -> None:
    file = heatmap_network(tmp_path / "heatmap.onnx")
    joints = spread_joints(step=4)
    # A dot lights one cell alone, with equal neighbours: no offset of decoding's own.
    found = keypoints_of(f"onnx:{file}{SAID}", joints, flip=False, decode="quarter")
    assert np.abs(found - joints).max() <= 1.0 + 1e-6  # a quarter of a cell at most
    assert np.median(np.abs(found - joints)) < 0.01


def test_udp_heatmaps_stretch_to_the_last_pixel(tmp_path: Path) -> None:
    file = heatmap_network(tmp_path / "heatmap.onnx")
    found = keypoints_of(
        f"onnx:{file}{SAID},layout=udp", spread_joints(step=4), 2, flip=False,
        decode="quarter",
    )  # fmt: skip
    # Cells 0 and 47 of 48 are the region's ends, whose middle is 96: quarters of cells between.
    quarters = 4 * ((found[:, 0] - WIDTH / 2) / WIDTH * 47 + 23.5)
    np.testing.assert_allclose(quarters, quarters.round(), atol=0.02)
    assert np.abs(found - spread_joints(step=4)).max() < 6


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (",family=yolox", "family: unknown; what can be said: size, padding"),
        (",layout=x", "layout x: not one of biased, udp"),
        (",mean=1/2", "mean 1/2: 3 numbers, separated by /"),
        (",std=1/0/2", "std holds a 0"),
        (",colour", "'colour' is not key=value"),
    ],
)
def test_what_cant_be_said(tmp_path: Path, said: str, message: str) -> None:
    file = heatmap_network(tmp_path / "heatmap.onnx")
    with pytest.raises(InputError, match=message):
        Annotator(model=f"onnx:{file}{said}")


def test_files_that_are_no_pose_network(tmp_path: Path) -> None:
    whole = heatmap_network(tmp_path / "heatmap.onnx")
    cases = {
        "truncated.onnx": (whole.read_bytes()[:200], "not a network that can be run"),
        "text.onnx": (b"no network at all", "not a network that can be run"),
        "empty.onnx": (b"", "not a network that can be run"),
        "other.onnx": (other_network(tmp_path / "o").read_bytes(), "neither heatmaps .* nor SimCC"),
        "five.onnx": (heatmap_network(tmp_path / "f", 5).read_bytes(), "it has 5 joints"),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=message) as caught:
            Annotator(model=f"onnx:{tmp_path / name}")
        assert "\n" not in str(caught.value)
        assert name in str(caught.value)
    with pytest.raises(InputError, match=r"none\.onnx: no such file"):
        Annotator(model=f"onnx:{tmp_path}/none.onnx")


def test_both_runtimes_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    from mpn_cli.networks import onnx_files

    name = OnnxName.parse(f"onnx:{simcc_network(tmp_path / 's.onnx')}", "--model")
    pixels = np.random.default_rng(0).random((3, 3, HEIGHT, WIDTH), dtype=np.float32)
    first = OnnxFile(name)
    monkeypatch.setattr(onnx_files, "find_spec", lambda module: module == "onnxruntime" or None)
    second = OnnxFile(name)
    assert (first.input_shape, first.output_shapes) == (second.input_shape, second.output_shapes)
    for one, other in zip(*(file.compiled(1)(pixels) for file in (first, second)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def plain_pose(network: OnnxSession, picture: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """SimpleBaseline's published way for one person, step by step: (17, 3)."""
    x, y, wide, high = box
    centre = np.array([x + wide / 2, y + high / 2], dtype=np.float32)
    scale = max(wide, high * 0.75) * 1.25  # the region's width; its height is 4/3 of that
    corner = centre - scale / 2
    shown = np.array([centre, [centre[0], corner[1]], corner], dtype=np.float32)
    target = np.array([[96, 128], [96, 128 - 96], [96 - 96, 128 - 96]], dtype=np.float32)
    crop = cv2.warpAffine(picture, cv2.getAffineTransform(shown, target), (192, 256))
    scaled = (crop / np.float32(255) - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    pixels = scaled.transpose(2, 0, 1)[None].astype(np.float32)
    straight = network(pixels)[0][0]
    mirrored = network(pixels[:, :, :, ::-1])[0][0][:, :, ::-1]
    pairs = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
    mirrored = mirrored[pairs]
    shifted = mirrored.copy()
    shifted[:, :, 1:] = mirrored[:, :, :-1]
    heatmaps = (straight + shifted) / 2
    found = []
    for one in heatmaps:
        row, column = np.unravel_index(one.argmax(), one.shape)
        place = np.array([column, row], dtype=float)
        if 0 < column < 47:
            place[0] += 0.25 * np.sign(one[row, column + 1] - one[row, column - 1])
        if 0 < row < 63:
            place[1] += 0.25 * np.sign(one[row + 1, column] - one[row - 1, column])
        found.append([*(centre + (place - [24, 32]) * scale / 48), one.max()])
    return np.array(found)


def test_a_peers_network_gives_what_a_plain_script_gets(coco_dev: Path) -> None:
    file = SHARED_DATA / "peers" / "ultralight_nano_simplepose_256x192.onnx"
    network = OnnxFile(OnnxName.parse(f"onnx:{file}", "--model")).compiled(None)
    annotator = Annotator(model=f"onnx:{file}", decode="quarter", nms="none")
    data = json.loads((coco_dev / "person_keypoints.json").read_text())
    names = {image["id"]: image["file_name"] for image in data["images"]}
    people = [p for p in data["annotations"] if p["num_keypoints"] > 5 and not p["iscrowd"]][:24]
    agreeing = []
    for person in people:
        picture = read_picture(str(coco_dev / "images" / names[person["image_id"]]))
        found = annotator.annotate(picture, np.array([person["bbox"]]))
        plain = plain_pose(network, picture, person["bbox"])
        distance = np.abs(found.keypoints[0] - plain[:, :2]).max(axis=1)
        agreeing += (distance < 0.02)[plain[:, 2] > 0.2].tolist()
    assert len(agreeing) > 150
    # A tie between neighbours is decided by the last digit: a quarter of a cell.
    assert np.mean(agreeing) > 0.98
