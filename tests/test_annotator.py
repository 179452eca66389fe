from pathlib import Path

import numpy as np
import pytest

from mpn_cli import Annotator, Poses
from mpn_cli.base.errors import InputError
from mpn_cli.sources.reading import UnreadableError, read_picture
from tests.conftest import make_picture


@pytest.fixture(scope="module")
def annotator(fresh_weights: Path) -> Annotator:
    return Annotator(model=str(fresh_weights), flip=False)


def test_a_path_an_array_and_many_give_the_same(annotator: Annotator, tmp_path: Path) -> None:
    file = make_picture(tmp_path / "a.png")
    by_path = annotator.annotate(file)
    by_array = annotator.annotate(read_picture(str(file)))
    first, second = annotator.annotate([str(file), file])
    assert by_path.keypoints.shape == (1, 17, 2)
    for poses in (by_array, first, second):
        assert np.array_equal(poses.keypoints, by_path.keypoints)
        assert np.array_equal(poses.scores, by_path.scores)
    assert [poses.to_coco()[0]["image_id"] for poses in (first, second)] == [1, 2]


def test_own_boxes_and_coco(annotator: Annotator, tmp_path: Path) -> None:
    picture = read_picture(str(make_picture(tmp_path / "a.png")))
    poses = annotator.annotate(picture, boxes=np.array([[5, 5, 60, 80], [50, 60, 60, 90.0]]))
    assert isinstance(poses, Poses)
    assert len(poses) == 2
    assert poses.scores[0] >= poses.scores[1]
    found = poses.to_coco(image_id=7)
    assert [one["image_id"] for one in found] == [7, 7]
    assert found[0]["bbox"] == poses.boxes[0].tolist()
    assert found[1]["keypoints"][3:5] == poses.keypoints[1, 1].tolist()
    assert len(annotator.annotate(picture, boxes=np.empty((0, 4)))) == 0


def test_an_unreadable_picture_is_named(annotator: Annotator, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("text")
    with pytest.raises(UnreadableError, match=r"a.jpg: its content is no picture"):
        annotator.annotate(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros((50, 50), np.uint8), r"not \(50, 50\) of uint8"),
        (np.zeros((50, 50, 4), np.uint8), r"not \(50, 50, 4\)"),
        (np.zeros((50, 50, 1), np.uint8), r"not \(50, 50, 1\)"),
        (np.zeros((50, 50, 3)), "of float64"),
        (np.zeros((0, 50, 3), np.uint8), "50x0 pixels"),
    ],
)
def test_arrays_that_are_no_rgb_picture(
    annotator: Annotator, picture: np.ndarray, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        annotator.annotate(picture)


def test_an_array_seen_backwards_is_a_picture(annotator: Annotator) -> None:
    bgr = np.random.default_rng(0).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    backwards, copied = (
        annotator.annotate(bgr[..., ::-1]),
        annotator.annotate(bgr[..., ::-1].copy()),
    )
    assert np.array_equal(backwards.keypoints, copied.keypoints)


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([[1, 2, 3]], r"\(N, 4\) or \(N, 5\), not \(1, 3\)"),
        ([1, 2, 30, 40], "not"),
        ([[1, 2, np.nan, 40]], "no coordinate"),
        ([[1, 2, 30, 40, 1e308]], "no coordinate"),
        ([[1, 2, 0, 40]], "has no size"),
        ([[1, 2, -5, 40]], "has no size"),
    ],
)
def test_boxes_that_are_none(annotator: Annotator, boxes: list[float], message: str) -> None:
    picture = np.zeros((50, 50, 3), np.uint8)
    with pytest.raises(InputError, match=message):
        annotator.annotate(picture, np.array(boxes))
    assert len(annotator.annotate(picture, np.empty((0, 4)))) == 0
