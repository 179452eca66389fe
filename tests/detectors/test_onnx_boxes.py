import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mpn_cli.base.errors import InputError
from mpn_cli.detectors.onnx_boxes import FAMILIES, OnnxDetector
from mpn_cli.geometry.boxes import box_nms
from mpn_cli.networks.onnx_names import OnnxName
from mpn_cli.sources.reading import read_picture
from tests.conftest import SHARED_DATA
from tests.onnx_networks import heatmap_network, other_network

SIZE = (96, 64)
BOX = np.array([22.0, 10.0, 36.0, 44.0])  # x, y, width, height; its centre: (40, 32)
CENTRE = np.array([40.0, 32.0])


def cells_of(strides: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Column, row and stride of all cells, written out."""
    return [
        (column, row, stride)
        for stride in strides
        for row in range(-(-SIZE[1] // stride))
        for column in range(-(-SIZE[0] // stride))
    ]


def decoded(family: str, output: np.ndarray) -> np.ndarray:
    boxes, scores = FAMILIES[family].decode([output.astype(np.float32)], SIZE, 0)
    best = int(scores.argmax())
    assert scores[best] == pytest.approx(0.72, abs=1e-6)
    assert (scores > 0.05).sum() == 1
    return np.asarray(boxes[best])


@pytest.mark.parametrize("grid_decoded", [False, True])
def test_yolox(grid_decoded: bool) -> None:
    cells = cells_of((8, 16, 32))
    rows = np.zeros((len(cells), 7))
    for row, (column, line, stride) in zip(rows, cells, strict=True):
        row[:2] = (np.array([column, line]) + 0.3) * stride if grid_decoded else 0.3
        row[2:4] = (20, 30) if grid_decoded else np.log((20 / stride, 30 / stride))
    at = cells.index((2, 2, 16))
    rows[at, :2] = CENTRE if grid_decoded else CENTRE / 16 - 2
    rows[at, 2:4] = BOX[2:] if grid_decoded else np.log(BOX[2:] / 16)
    rows[at, 4:6] = 0.9, 0.8
    np.testing.assert_allclose(decoded("yolox", rows[None]), BOX, rtol=1e-5)


def test_yolov8() -> None:
    cells = cells_of((8, 16, 32))
    rows = np.zeros((4 + 3, len(cells)))
    rows[:, 17] = (*CENTRE, *BOX[2:], 0.72, 0.1, 0.9)
    np.testing.assert_allclose(decoded("yolov8", rows[None]), BOX, rtol=1e-5)


def test_nanodet() -> None:
    cells = cells_of((8, 16, 32, 64))
    rows = np.zeros((len(cells), 3 + 32))
    at = cells.index((2, 2, 16))
    left, top = np.array([2 * 16, 2 * 16]) - BOX[:2]
    right, bottom = BOX[:2] + BOX[2:] - 32
    for side, reach in enumerate(np.array([left, top, right, bottom]) / 16):
        low = int(reach)
        bins = np.full(8, -50.0)
        bins[low], bins[low + 1] = np.log(1 - reach + low + 1e-9), np.log(reach - low + 1e-9)
        rows[at, 3 + 8 * side : 3 + 8 * side + 8] = bins
    rows[at, 0] = 0.72
    np.testing.assert_allclose(decoded("nanodet", rows[None]), BOX, rtol=1e-4)


def test_fastestdet() -> None:
    grid = np.zeros((5 + 3, 4, 6))  # cells of 16 pixels
    grid[1:3] = 0.3
    grid[:, 2, 2] = 0.72, np.arctanh(0.5), np.arctanh(0), 0, 0, 0.72, 0.1, 0.9
    share = BOX[2:] / SIZE
    grid[3:5, 2, 2] = np.log(share / (1 - share))
    np.testing.assert_allclose(decoded("fastestdet", grid[None]), BOX, rtol=1e-5)


def test_families_are_told_apart_by_shape() -> None:
    size, classes = (416, 416), 80
    shapes: dict[str, list[tuple[int, ...]]] = {
        "yolox": [(1, 3549, 5 + classes)],
        "yolov8": [(1, 4 + classes, 3549)],
        "nanodet": [(1, 3598, classes + 32)],
        "fastestdet": [(1, 5 + classes, 26, 26)],
    }
    for family, outputs in shapes.items():
        fitting = [name for name, one in FAMILIES.items() if one.recognise(outputs, size)]
        assert fitting == [family]


def iou(first: Any, second: Any) -> float:
    low = np.maximum(first[:2], second[:2])
    high = np.minimum(np.add(first[:2], first[2:4]), np.add(second[:2], second[2:4]))
    overlap = float(np.prod(np.clip(high - low, 0, None)))
    return float(overlap / (first[2] * first[3] + second[2] * second[3] - overlap))


def test_yolox_nano_finds_what_its_own_code_found(coco_dev: Path) -> None:
    file = SHARED_DATA / "peers" / "yolox_nano_416.onnx"
    detector = OnnxDetector(OnnxName.parse(f"onnx:{file}", "--detector"), None)
    images = json.loads((coco_dev / "person_keypoints.json").read_text())["images"][:60]
    names = {image["id"]: image["file_name"] for image in images}
    wanted = json.loads((coco_dev / "person_detections.json").read_text())
    agreeing = []
    for image_id, name in names.items():
        found = detector([read_picture(str(coco_dev / "images" / name))])[0]
        found = found[box_nms(found[:, :4], found[:, 4], 0.65)]
        for one in wanted:
            if one["image_id"] == image_id and one["score"] > 0.3:
                agreeing.append(max(iou(box, one["bbox"]) for box in found) > 0.95)
    assert len(agreeing) > 100
    assert np.mean(agreeing) >= 0.98


def test_networks_that_are_no_detector(tmp_path: Path) -> None:
    file = other_network(tmp_path / "other.onnx")
    with pytest.raises(InputError, match="tell no family; add ,family= and one of yolox, yolov8"):
        OnnxDetector(OnnxName.parse(f"onnx:{file}", "--detector"), 1)
    pose = heatmap_network(tmp_path / "pose.onnx")
    detector = OnnxDetector(OnnxName.parse(f"onnx:{pose},family=yolov8", "--detector"), 1)
    with pytest.raises(InputError, match="are not its family's"):
        detector([np.zeros((20, 20, 3), dtype=np.uint8)])
