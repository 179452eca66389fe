from pathlib import Path

import numpy as np

from mpn_cli.base.skeletons import COCO
from mpn_cli.results.overlay import (
    LEFT,
    MARK,
    RIGHT,
    draw_boxes,
    draw_poses,
    draw_scores,
    overlay_name,
)
from mpn_cli.results.poses import Pose


def test_limbs_have_their_side_s_colour_and_the_picture_stays() -> None:
    picture = np.zeros((200, 200, 3), dtype=np.uint8)
    joints = {"left_hip": (120, 50), "left_knee": (120, 150), "right_hip": (60, 50),
              "right_knee": (60, 150)}  # fmt: skip
    flat: list[float] = []
    for name in COCO.keypoints:
        flat += [*joints.get(name, (0, 0)), 1.0 if name in joints else 0.0]
    drawn = draw_poses(picture, [Pose(flat, 1.0, [40.0, 30.0, 100.0, 140.0])], COCO, 0.1)
    assert drawn[100, 120].tolist() == list(LEFT)
    assert drawn[100, 60].tolist() == list(RIGHT)
    assert not picture.any()


def test_poses_that_are_likely_nobodys_are_faint() -> None:
    picture = np.zeros((60, 60, 3), dtype=np.uint8)
    flat = [30.0, 30.0, 1.0] + [0.0] * 48
    sure, unsure = (
        draw_poses(picture, [Pose(flat, score, [5.0, 5.0, 50.0, 50.0])], COCO, 0.1).max()
        for score in (0.8, 0.06)
    )
    assert 0 < unsure < 0.35 * sure


def test_joints_far_outside_are_no_error() -> None:
    picture = np.zeros((20, 20, 3), dtype=np.uint8)
    flat = [500.0, -300.0, 0.9] * 17
    assert not draw_poses(picture, [Pose(flat, 1.0, [0.0, 0.0, 20.0, 20.0])], COCO, 0.1).any()


def test_names_stay_apart() -> None:
    assert [overlay_name(n) for n in ("a.jpg", "a.png", "b/a.JPG")] == [
        "a.jpg", "a.png.jpg", "b/a.JPG",
    ]  # fmt: skip


def test_boxes_and_scores_are_drawn_where_the_box_is() -> None:
    pose = Pose([0.0, 0.0, 0.0] * 17, 0.87, [40.0, 30.0, 100.0, 140.0])
    boxes, scores = np.zeros((2, 200, 200, 3), dtype=np.uint8)
    draw_boxes(boxes, [pose])
    assert boxes[30:171, 40].min(axis=0).tolist() == list(MARK)
    assert not boxes[60:140, 60:120].any()
    draw_scores(scores, [pose])
    assert scores[30:60, 40:100].any()
    assert not scores[100:, :].any()


def test_no_two_pictures_have_one_overlay() -> None:
    stems = ("a", "a.png", "a.PNG", "a.tiff.bmp", "a.picture", "b/a", "a.v2")
    ends = ("", ".jpg", ".jpeg", ".jpg.jpg", ".jpeg.jpg", ".jpg.jpeg", ".jpe", ".jfif", ".png")
    names = {stem + end for stem in stems for end in ends}
    overlays = {overlay_name(name) for name in names}
    assert len(overlays) == len(names)
    assert all(name.lower().endswith((".jpg", ".jpeg")) for name in overlays)
    assert overlay_name("sub/photo.jpg") == "sub/photo.jpg"
    assert overlay_name("sub/photo.png") == "sub/photo.png.jpg"


def test_an_overlay_of_a_long_name_can_be_written(tmp_path: Path) -> None:
    names = ["x/" + "ü" * 125 + end + ".png" for end in "ab"]
    overlays = [overlay_name(name) for name in names]
    assert len(set(overlays)) == 2
    for name in overlays:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
