import doctest
import inspect
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mpn_cli.annotator
import mpn_cli.poses
from mpn_cli import Annotator, Poses
from mpn_cli.annotator import PICTURES_AT_ONCE
from mpn_cli.base.errors import InputError
from mpn_cli.sources.reading import UnreadableError, read_picture
from tests.conftest import make_picture

ROOT = Path(__file__).parents[1]


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


def test_of_many_an_unreadable_one_costs_only_itself(annotator: Annotator, tmp_path: Path) -> None:
    good, bad = make_picture(tmp_path / "a.png"), tmp_path / "b.jpg"
    bad.write_text("text")
    many = [good, bad] * 9 + [tmp_path / "none.jpg", good]  # more than are read at once
    found = list(annotator.annotate(iter(many)))
    alone = annotator.annotate(good)
    assert [poses.image_id for poses in found] == list(range(1, 21))
    assert [poses.file_name for poses in found] == [str(path) for path in many]
    for path, poses in zip(many, found, strict=True):
        if path == good:
            assert poses.skipped is None
            assert np.array_equal(poses.keypoints, alone.keypoints)
        else:
            assert len(poses) == 0
            assert poses.keypoints.shape == (0, 17, 2)
            assert poses.skipped is not None
            assert poses.skipped.path == str(path)
    assert found[1].skipped is not None
    assert "its content is no picture" in found[1].skipped.detail


def test_pictures_are_taken_as_they_are_needed(annotator: Annotator) -> None:
    asked = []

    def pictures() -> Iterator[np.ndarray]:
        for number in range(100):
            asked.append(number)
            yield np.zeros((60, 50, 3), np.uint8)

    next(annotator.annotate(pictures()))
    assert len(asked) == PICTURES_AT_ONCE


def test_a_pil_picture_is_turned_as_it_says(annotator: Annotator, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (80, 60, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    turned = annotator.annotate(np.rot90(pixels, -1))
    by_pil = annotator.annotate(Image.open(tmp_path / "turned.png"))
    assert np.array_equal(by_pil.keypoints, turned.keypoints)


@pytest.fixture
def three_poses() -> Poses:
    rng = np.random.default_rng(1)
    joints = np.concatenate([rng.uniform(10, 90, (3, 17, 2)), rng.uniform(size=(3, 17, 1))], axis=2)
    rows = zip(joints.round(2), (0.9, 0.5, 0.1), strict=True)
    box = [5, 5, 90, 90]
    return Poses.from_coco(
        [
            {"image_id": 5, "keypoints": flat.ravel().tolist(), "score": score, "bbox": box}
            for flat, score in rows
        ]
    )


def test_some_of_the_poses(three_poses: Poses) -> None:
    first_two = (slice(2), [0, 1], np.array([True, True, False]), np.array([0, 1]))
    for some in (three_poses.likely(0.5), *(three_poses[rows] for rows in first_two)):
        assert some.scores.tolist() == [0.9, 0.5]
        assert some.keypoints.shape == (2, 17, 2)
        assert some.image_id == 5
    assert three_poses[1].scores.tolist() == three_poses[np.int64(1)].scores.tolist() == [0.5]
    assert three_poses[-1].scores.tolist() == [0.1]
    with pytest.raises(IndexError):
        three_poses[3]


def test_coco_there_and_back(three_poses: Poses) -> None:
    results = three_poses.to_coco()
    assert [result["image_id"] for result in results] == [5, 5, 5]
    back = Poses.from_coco(results)
    for name in ("keypoints", "confidences", "scores", "boxes"):
        assert np.array_equal(getattr(back, name), getattr(three_poses, name))
    del results[0]["bbox"]
    low, high = three_poses.keypoints[0].min(axis=0), three_poses.keypoints[0].max(axis=0)
    assert np.allclose(Poses.from_coco(results).boxes[0], [*low, *(high - low)])
    with pytest.raises(InputError, match="17 or 16 joints"):
        Poses.from_coco([{"keypoints": [1, 2, 3]}])
    assert len(Poses.from_coco([])) == 0


def test_drawn_poses_change_pixels_near_their_joints_only(three_poses: Poses) -> None:
    picture = np.full((100, 100, 3), 90, np.uint8)
    drawn = three_poses[0].draw(picture)
    assert (picture == 90).all()
    changed = np.argwhere((drawn != 90).any(axis=2))[:, ::-1]
    joints = three_poses.keypoints[0]
    assert len(changed) > 50
    assert (changed >= joints.min(axis=0) - 8).all()
    assert (changed <= joints.max(axis=0) + 8).all()


def test_supervision_takes_them(three_poses: Poses) -> None:
    pytest.importorskip("supervision")
    found = three_poses.to_supervision()
    assert np.allclose(found.xy, three_poses.keypoints)
    assert np.allclose(found.detection_confidence, three_poses.scores)


def test_a_keyword_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match="'flipp'"):
        Annotator(flipp=False)
    with pytest.raises(TypeError, match="'workers'"):
        Annotator(workers=2)
    keywords = inspect.signature(Annotator).parameters
    assert keywords["flip"].default is True
    assert "nms_thr" in keywords
    assert "resume" not in keywords


def test_the_examples_in_the_docstrings() -> None:
    picture = read_picture(str(ROOT / "examples" / "000000000785.jpg"))
    for module in (mpn_cli.annotator, mpn_cli.poses):
        done = doctest.testmod(module, extraglobs={"picture": picture})
        assert done.attempted
        assert not done.failed
