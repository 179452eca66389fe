import numpy as np
import pytest

from mpn_cli.geometry.boxes import box_iou, box_nms, cell_boxes, clip_boxes, input_shape, letterbox


def test_letterbox_keeps_the_aspect() -> None:
    picture = np.full((60, 120, 3), 200, dtype=np.uint8)
    boxed = letterbox(picture, (64, 64), padding=7)
    assert boxed.scale == pytest.approx(64 / 120)
    assert boxed.pixels.shape == (64, 64, 3)
    assert (boxed.pixels[:32] == 200).all()
    assert (boxed.pixels[32:] == 7).all()


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ((640, 480), (416, 320)),
        ((480, 640), (320, 416)),
        ((10, 1000), (32, 416)),
        ((5, 5), (416, 416)),
    ],
)
def test_input_shapes(size: tuple[int, int], shape: tuple[int, int]) -> None:
    assert input_shape(np.zeros((size[1], size[0], 3), dtype=np.uint8), 416) == shape


def test_every_cell_of_every_level_becomes_a_box() -> None:
    output = np.zeros((5, 8 * 4 + 4 * 2 + 2 * 1), dtype=np.float32)  # an input of 64 x 32 pixels
    output[:, 8 * 2 + 3] = (0.5, 1, 2, 3, 4)  # stride 8: column 3, row 2
    output[:, 8 * 4 + 4 + 1] = (0.25, 1, 1, 1, 1)  # stride 16: column 1, row 1
    output[:, 8 * 4 + 4 * 2 + 1] = (1.0, 0, 0.5, 0.25, 0)  # stride 32: column 1, row 0
    boxes, scores = cell_boxes(output, (64, 32))
    assert scores.tolist() == output[0].tolist()
    np.testing.assert_allclose(boxes[19], [28 - 8, 20 - 16, 32, 48])
    np.testing.assert_allclose(boxes[37], [24 - 16, 24 - 16, 32, 32])
    np.testing.assert_allclose(boxes[41], [48, 16 - 16, 8, 16])


def test_nms_by_intersection_over_union() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 7], [0, 0, 10, 6], [50, 50, 5, 5.0]])
    scores = np.array([0.5, 0.9, 0.4, 0.1])
    # The second is kept first; IoU with it: 0.7, 6/7, 0.
    assert box_nms(boxes, scores, 0.65).tolist() == [1, 3]
    assert box_nms(boxes, scores, 0.75).tolist() == [1, 0, 3]
    assert box_nms(boxes, scores, 1.0).tolist() == [1, 0, 2, 3]
    assert box_nms(boxes, 0 * scores, 0.65).tolist() == [0, 2, 3]
    assert box_nms(boxes[:0], scores[:0], 0.5).tolist() == []


def test_clipping() -> None:
    boxes = np.array([[-5, 2, 10, 100], [1, 1, 2, 2.0]])
    np.testing.assert_allclose(clip_boxes(boxes, 50, 60), [[0, 2, 5, 58], [1, 1, 2, 2]])


def test_iou_of_whole_boxes_is_what_counting_their_pixels_gives() -> None:
    rng = np.random.default_rng(0)
    boxes = np.concatenate([rng.integers(0, 12, (9, 2)), rng.integers(0, 9, (9, 2))], axis=1)
    boxes[0] = boxes[1]
    boxes[2, 2:] = 0
    pixels = np.zeros((9, 24, 24), dtype=bool)
    for mask, (x, y, width, height) in zip(pixels, boxes, strict=True):
        mask[y : y + height, x : x + width] = True
    found = box_iou(boxes.astype(float), boxes[:4].astype(float))
    assert found.shape == (9, 4)
    for row in range(9):
        for column in range(4):
            shared = (pixels[row] & pixels[column]).sum()
            union = (pixels[row] | pixels[column]).sum()
            assert found[row, column] == pytest.approx(shared / max(union, 1))
    assert box_iou(boxes[:1].astype(float), np.empty((0, 4))).shape == (1, 0)
