"""Tracks of people whose ids are known, judged by motmetrics."""

import motmetrics
import msgspec
import numpy as np
import pytest

from mpn_cli.base.skeletons import SKELETONS
from mpn_cli.results.poses import AnnotatedPicture, InVideo, Pose
from mpn_cli.tracking.tracks import LONGEST_GAP, tracked
from tests.tracking.walkers import Scene, Walker, apart, crossing, film, matched_ids

COCO = SKELETONS[17]


def follow(pictures: list[AnnotatedPicture]) -> list[AnnotatedPicture]:
    return list(tracked(pictures, COCO, 0.45))


def judged(scene: Scene, followed: list[AnnotatedPicture]) -> dict[str, float]:
    """CLEAR MOT's and the identity measures; a track that is on nobody is a false one."""
    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    for number, ids in enumerate(matched_ids(scene, followed)):
        everyone = scene.present[number]
        tracks = [pose.track_id for pose in followed[number].poses if pose.track_id is not None]
        distances = np.full((len(everyone), len(tracks)), np.nan)
        for who, track in ids.items():
            distances[everyone.index(who), tracks.index(track)] = 0
        accumulator.update(everyone, tracks, distances)
    names = ["num_switches", "idf1", "mota", "num_false_positives"]
    table = motmetrics.metrics.create().compute(accumulator, metrics=names)
    return {name: float(table[name].iloc[0]) for name in names}


@pytest.mark.parametrize("fps", [30, 10, 4])
def test_people_who_do_not_cross_keep_their_ids(fps: float) -> None:
    for seed in range(3):
        scene = film(apart(), 8, fps, seed)
        followed = follow(scene.pictures)
        found = judged(scene, followed)
        assert found["num_switches"] == 0, (seed, found)
        assert found["idf1"] > 0.95, found
        # Poses come back as they were, in their order, but for the ids.
        for before, after in zip(scene.pictures, followed, strict=True):
            bare = [msgspec.structs.replace(pose, track_id=None) for pose in after.poses]
            assert bare == before.poses
            ids = [pose.track_id for pose in after.poses if pose.track_id is not None]
            assert len(set(ids)) == len(ids)
            assert all(pose.track_id for pose in after.poses if pose.score >= 0.45)
        assert follow(scene.pictures) == followed


@pytest.mark.parametrize("fps", [30, 10])
def test_people_who_cross(fps: float) -> None:
    figures = []
    for seed in range(5):
        scene = film(crossing(), 9, fps, seed)
        figures.append(judged(scene, follow(scene.pictures)))
    idf1 = np.mean([one["idf1"] for one in figures])
    assert idf1 > 0.9, figures


@pytest.mark.parametrize(("gap", "kept"), [(LONGEST_GAP - 0.1, True), (LONGEST_GAP + 0.2, False)])
def test_a_gap_of_up_to_a_second(gap: float, kept: bool) -> None:
    scene = film([Walker((300, 200), (80, 0), 300, hidden=(2.0, 2.0 + gap - 0.04))], 5, 25)
    ids = [one[0] for one in matched_ids(scene, follow(scene.pictures)) if one]
    assert (ids[0] == ids[-1]) == kept
    assert len(set(ids)) == (1 if kept else 2)


def test_each_video_has_ids_of_its_own_and_pictures_have_none() -> None:
    one = film([Walker((300, 200), (80, 0), 300)], 1, 10).pictures
    two = [msgspec.structs.replace(p, frame=InVideo("other.mp4", n, n / 10))
           for n, p in enumerate(one)]  # fmt: skip
    still = AnnotatedPicture(99, "a.jpg", 10, 10, [Pose([1.0, 1.0, 1.0] * 17, 0.9, [0, 0, 2, 2])])
    followed = follow([*one[:5], still, *one[5:], *two])
    assert followed[5] == still
    ids = {pose.track_id for picture in followed[:5] + followed[6:11] for pose in picture.poses
           if pose.score > 0.45}  # fmt: skip
    others = {pose.track_id for picture in followed[11:] for pose in picture.poses
              if pose.score > 0.45}  # fmt: skip
    assert (ids, others) == ({1}, {2})
