"""Ids for people over the frames of a video, as a stream: two-stage matching by pose.

The scheme is ByteTrack's (Zhang et al. 2022, arXiv 2110.06864) with the likeness of poses in place
of boxes': likely poses are matched with all tracks first, then unlikely ones with the tracks that
are left, since a person half hidden is found with a low score but in the expected place. ByteTrack
matches the latter with tracks of the last frame only; here the pose says enough, and one frame in
which nobody was found does not end a track.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from mpn_cli.base.arrays import BoolArray, Float64Array
from mpn_cli.base.skeletons import Skeleton
from mpn_cli.results.poses import AnnotatedPicture
from mpn_cli.tracking.likeness import Poses, likeness

LONGEST_GAP = 1.0
"""Seconds for which a person may be out of sight and keep the id."""

LEAST_LIKENESS = 0.1
"""Of a likely pose and a track: what an IoU of 0.2, ByteTrack's own limit, makes alone."""

LEAST_LIKENESS_UNLIKELY = 0.4
"""Of an unlikely pose and a track: more, since it may be no person at all."""

LEAST_SCORE = 0.1
"""Poses with a lower score belong to no track."""

INERTIA = 0.5
"""Weight of the speed so far against that between the last two frames."""


@dataclass(slots=True)
class _Track:
    """A person who was seen."""

    track_id: int
    keypoints: Float64Array
    """(K, 2) pixels, where last seen."""
    confidences: Float64Array
    """(K,)."""
    box: Float64Array
    """(4,) x, y, width, height."""
    seconds: float
    """When last seen."""
    speed: Float64Array
    """(2,) pixels per second."""


def tracked(
    pictures: Iterable[AnnotatedPicture], skeleton: Skeleton, likely: float
) -> Iterator[AnnotatedPicture]:
    """Pictures in their order, the poses in frames of videos with track ids.

    Ids count from 1 over all videos, in the order in which people appear. likely: poses with at
    least this score all get an id; others only where they continue somebody's track. Pictures that
    are no frames are passed on as they are.
    """
    ids = itertools.count(1)
    video, tracker = "", _Tracker(skeleton, likely, ids)
    for picture in pictures:
        if picture.frame is None:
            yield picture
            continue
        if picture.frame.video != video:
            video, tracker = picture.frame.video, _Tracker(skeleton, likely, ids)
        yield tracker.follow(picture, picture.frame.seconds)


class _Tracker:
    """The people in one video up to some frame."""

    def __init__(self, skeleton: Skeleton, likely: float, ids: Iterator[int]) -> None:
        self._sigmas = np.array(skeleton.sigmas)
        self._joints = len(skeleton.sigmas)
        self._likely = likely
        self._ids = ids
        self._tracks: list[_Track] = []

    def follow(self, picture: AnnotatedPicture, seconds: float) -> AnnotatedPicture:
        """The next frame, its poses with ids."""
        flat = np.array([pose.keypoints for pose in picture.poses]).reshape(-1, self._joints, 3)
        boxes = np.array([pose.bbox for pose in picture.poses]).reshape(-1, 4)
        poses = Poses(flat[..., :2], flat[..., 2], boxes)
        scores = np.array([pose.score for pose in picture.poses])
        self._tracks = [one for one in self._tracks if seconds - one.seconds <= LONGEST_GAP]
        sure = scores >= self._likely
        found: dict[int, _Track] = {}
        found |= self._matched(poses, sure, self._tracks, seconds, LEAST_LIKENESS)
        taken = {track.track_id for track in found.values()}
        left = [track for track in self._tracks if track.track_id not in taken]
        unsure = ~sure & (scores >= LEAST_SCORE)
        found |= self._matched(poses, unsure, left, seconds, LEAST_LIKENESS_UNLIKELY)
        for row in range(len(poses)):
            if row in found:
                self._move(found[row], poses, row, seconds)
            elif sure[row]:
                found[row] = self._new(poses, row, seconds)
        return msgspec.structs.replace(
            picture,
            poses=[
                msgspec.structs.replace(
                    pose, track_id=found[row].track_id if row in found else None
                )
                for row, pose in enumerate(picture.poses)
            ],
        )

    def _matched(
        self,
        poses: Poses,
        among: BoolArray,
        tracks: list[_Track],
        seconds: float,
        least: float,
    ) -> dict[int, _Track]:
        """The tracks of some poses by row: pairs whose likeness is the largest in total."""
        from scipy.optimize import linear_sum_assignment

        rows = np.flatnonzero(among)
        if not len(rows) or not tracks:
            return {}
        alike = likeness(_expected(tracks, seconds), poses[among], self._sigmas)
        alike[alike < least] = 0
        pairs = zip(*linear_sum_assignment(alike, maximize=True), strict=True)
        return {int(rows[column]): tracks[row] for row, column in pairs if alike[row, column]}

    def _new(self, poses: Poses, row: int, seconds: float) -> _Track:
        track = _Track(
            next(self._ids),
            poses.keypoints[row],
            poses.confidences[row],
            poses.boxes[row],
            seconds,
            np.zeros(2),
        )
        self._tracks.append(track)
        return track

    def _move(self, track: _Track, poses: Poses, row: int, seconds: float) -> None:
        """Note where a track is now, and how fast it moved."""
        weights = np.minimum(track.confidences, poses.confidences[row]) + 1e-3
        way = np.average(poses.keypoints[row] - track.keypoints, axis=0, weights=weights)
        speed = way / max(seconds - track.seconds, 1e-3)
        track.speed = INERTIA * track.speed + (1 - INERTIA) * speed
        track.keypoints, track.confidences = poses.keypoints[row], poses.confidences[row]
        track.box, track.seconds = poses.boxes[row], seconds


def _expected(tracks: list[_Track], seconds: float) -> Poses:
    """Where people are by now if they go on as they did."""
    ways = np.array([track.speed * (seconds - track.seconds) for track in tracks])
    keypoints = np.array([track.keypoints for track in tracks]) + ways[:, None]
    boxes = np.array([track.box for track in tracks])
    boxes[:, :2] += ways
    return Poses(keypoints, np.array([track.confidences for track in tracks]), boxes)
