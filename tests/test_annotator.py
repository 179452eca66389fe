from pathlib import Path

import numpy as np
import pytest

from mpn_cli import Annotator, Poses
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
