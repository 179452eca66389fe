"""The detector's network against the ONNX file that it was made after."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mpn_models.nanodet import BINS
from mpn_models.registry import PERSON_DETECTOR
from mpn_models.weights import load_weights

from mpn_cli.base.arrays import Float32Array, Picture
from mpn_cli.geometry.boxes import cell_boxes
from mpn_cli.geometry.crops import normalise
from mpn_cli.sources.reading import read_picture
from tests.conftest import ROOT, SHARED_DATA

ONNX_FILE = SHARED_DATA / "detector" / "nanodet_person_416-fp16.onnx"
EXPECTED = Path(__file__).parent.parent / "data" / "nanodet_cells.json"

INPUTS = {
    "000000000785.jpg": (640, 416),
    "000000203864.jpg": (320, 320),
    "000000054931.jpg": (416, 256),
}
"""Example pictures, and the (width, height) that is cut out of each one's top left corner."""


def example(name: str) -> Picture:
    width, height = INPUTS[name]
    picture = read_picture(str(ROOT / "examples" / name))[:height, :width]
    assert picture.shape == (height, width, 3)
    return picture


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    return load_weights(PERSON_DETECTOR.weights, PERSON_DETECTOR)[0]


def cells_of(network: torch.nn.Module, picture: Picture) -> Float32Array:
    with torch.inference_mode():
        found: Float32Array = network(torch.from_numpy(normalise(picture[None])))[0].numpy()
    return found


def onnx_cells(picture: Picture) -> Float32Array:
    """(5, N) from the file's own convolutions at any size; its decoding is done again in numpy."""
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    model = onnx.shape_inference.infer_shapes(onnx.load(ONNX_FILE))
    heads = [node.input[0] for node in model.graph.node if node.op_type == "Split"]
    cut = onnx.utils.Extractor(model).extract_model(["images"], heads)
    for value in (*cut.graph.input, *cut.graph.output):
        for axis in value.type.tensor_type.shape.dim[2:]:
            axis.ClearField("dim_value")
    del cut.graph.value_info[:]
    session = runtime.InferenceSession(cut.SerializeToString())
    pixels = picture[None, ..., ::-1].transpose(0, 3, 1, 2).astype(np.float32)
    levels = []
    for output in session.run(heads, {"images": pixels}):
        head = output[0].reshape(1 + 4 * BINS, -1).astype(np.float64)
        shares = np.exp(head[1:]).reshape(4, BINS, -1)
        distances = np.einsum("sbn,b->sn", shares / shares.sum(axis=1, keepdims=True), range(BINS))
        levels.append(np.concatenate([1 / (1 + np.exp(-head[:1])), distances]))
    return np.concatenate(levels, axis=1).astype(np.float32)


@pytest.mark.parametrize("name", INPUTS)
def test_cells_are_those_of_the_published_network(network: torch.nn.Module, name: str) -> None:
    """The expected values are the ONNX file's, written by this file's ``main``."""
    cells = cells_of(network, example(name))
    boxes, scores = cell_boxes(cells, INPUTS[name])
    expected = json.loads(EXPECTED.read_text())[name]
    best = np.argsort(-scores, kind="stable")[: len(expected["rows"])]
    assert sorted(best.tolist()) == sorted(expected["rows"])
    np.testing.assert_allclose(scores[expected["rows"]], expected["scores"], atol=1e-4)
    np.testing.assert_allclose(boxes[expected["rows"]], expected["boxes"], atol=0.01)
    assert scores.max() > 0.5


@pytest.mark.skipif(not ONNX_FILE.is_file(), reason=f"needs {ONNX_FILE}")
@pytest.mark.parametrize("name", INPUTS)
def test_every_cell_is_the_onnx_files(network: torch.nn.Module, name: str) -> None:
    picture, size = example(name), INPUTS[name]
    boxes, scores = cell_boxes(cells_of(network, picture), size)
    wanted_boxes, wanted_scores = cell_boxes(onnx_cells(picture), size)
    assert len(boxes) == sum(size[0] * size[1] // stride**2 for stride in (8, 16, 32))
    np.testing.assert_allclose(boxes, wanted_boxes, atol=0.01)
    np.testing.assert_allclose(scores, wanted_scores, atol=1e-4)


@pytest.mark.skipif(not ONNX_FILE.is_file(), reason=f"needs {ONNX_FILE}")
def test_boxes_are_those_that_the_onnx_file_decodes(network: torch.nn.Module) -> None:
    runtime = pytest.importorskip("onnxruntime")
    picture = example("000000000785.jpg")[:416, :416]
    pixels = picture[None, ..., ::-1].transpose(0, 3, 1, 2).astype(np.float32)
    (rows,) = runtime.InferenceSession(str(ONNX_FILE)).run(None, {"images": pixels})
    centres, sizes, wanted_scores = rows[0][:, :2], rows[0][:, 2:4], rows[0][:, 5]
    boxes, scores = cell_boxes(cells_of(network, picture), (416, 416))
    np.testing.assert_allclose(boxes[:, :2] + boxes[:, 2:] / 2, centres, atol=0.01)
    np.testing.assert_allclose(boxes[:, 2:], sizes, atol=0.01)
    np.testing.assert_allclose(scores, wanted_scores, atol=1e-4)


def main() -> None:
    """Write the expected values from the ONNX file: python -m tests.mpn_models.test_nanodet."""
    content = {}
    for name, size in INPUTS.items():
        boxes, scores = cell_boxes(onnx_cells(example(name)), size)
        best = np.argsort(-scores, kind="stable")[:15]
        content[name] = {
            "rows": best.tolist(),
            "scores": scores[best].round(6).tolist(),
            "boxes": boxes[best].round(4).tolist(),
        }
    EXPECTED.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
