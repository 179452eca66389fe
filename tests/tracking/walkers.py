"""Made scenes: people with known ids walk through a video, and what a detector makes of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpn_cli.results.poses import AnnotatedPicture, InVideo, Pose

STANDING = np.array([
    (50, 8), (53, 5), (47, 5), (57, 7), (43, 7), (64, 22), (36, 22), (70, 38), (30, 38), (72, 52),
    (28, 52), (60, 54), (40, 54), (61, 76), (39, 76), (61, 97), (39, 97),
], dtype=float) / 100  # fmt: skip
"""(17, 2) a person from the front, in heights."""

LIMBS = (7, 8, 9, 10, 13, 14, 15, 16)


@dataclass(frozen=True)
class Walker:
    """Somebody who walks in a straight line."""

    start: tuple[float, float]
    """The head's place in pixels when the video begins."""
    speed: tuple[float, float]
    """Pixels per second."""
    height: float
    hidden: tuple[float, float] = (0.0, 0.0)
    """Seconds between which nothing is seen of them."""
    weak: tuple[float, float] = (0.0, 0.0)
    """Seconds between which they are found with a low score."""

    def joints(self, seconds: float, rng: np.random.Generator) -> NDArray[np.float64]:
        """(17, 2) pixels; arms and legs swing, and a network would miss by some pixels."""
        joints = STANDING.copy()
        swing = 0.06 * np.sin(2 * np.pi * 1.8 * seconds)
        joints[LIMBS, 0] += swing * np.array([1, -1, 1, -1, -1, 1, -1, 1])
        joints += rng.normal(0, 0.012, joints.shape)
        where = np.array(self.start) + seconds * np.array(self.speed)
        return np.asarray(where + self.height * (joints - [0.5, 0]))

    def seen(self, seconds: float) -> bool:
        """Whether they are in sight."""
        return not self.hidden[0] <= seconds < self.hidden[1]


@dataclass(frozen=True)
class Scene:
    """A made video."""

    pictures: list[AnnotatedPicture]
    truth: list[list[int]]
    """Who each pose of each picture is; -1 for nobody."""
    present: list[list[int]]
    """Who is in sight in each picture."""


def film(walkers: list[Walker], seconds: float, fps: float, seed: int = 0) -> Scene:
    """What a detector finds: in any order, with misses, and with poses where nobody is."""
    rng = np.random.default_rng(seed)
    scene = Scene([], [], [])
    for number in range(round(seconds * fps)):
        time = number / fps
        found: list[tuple[int, Pose]] = []
        present = [who for who, walker in enumerate(walkers) if walker.seen(time)]
        for who in present:
            walker = walkers[who]
            near_gap = not (walker.seen(time - 0.3) and walker.seen(time + 0.3))
            if rng.random() < 0.04 and not near_gap:
                continue
            weak = walker.weak[0] <= time < walker.weak[1]
            score = rng.uniform(0.2, 0.4) if weak else rng.uniform(0.6, 0.9)
            found.append((who, pose_at(walker.joints(time, rng), score, rng)))
        for _ in range(rng.poisson(0.3)):
            place = rng.uniform((0, 0), (1200, 500))
            nobody = place + rng.uniform(60, 200) * STANDING[rng.permutation(17)]
            found.append((-1, pose_at(nobody, rng.uniform(0.05, 0.4), rng)))
        found.sort(key=lambda one: -one[1].score)
        frame = InVideo("clip.mp4", number, time)
        poses = [pose for _, pose in found]
        scene.pictures.append(AnnotatedPicture(number + 1, "f", 1280, 720, poses, frame))
        scene.truth.append([who for who, _ in found])
        scene.present.append(present)
    return scene


def pose_at(joints: NDArray[np.float64], score: float, rng: np.random.Generator) -> Pose:
    """A pose in a box around its joints that is a little off."""
    low, high = joints.min(axis=0), joints.max(axis=0)
    size = (high - low) * 1.15
    corner = (low + high - size) / 2 + rng.normal(0, 0.02, 2) * size
    confidences = rng.uniform(0.5, 1.0, len(joints))
    flat = np.concatenate([joints, confidences[:, None]], axis=1).ravel()
    return Pose(flat.round(2).tolist(), float(score), [*corner.tolist(), *size.tolist()])


def apart() -> list[Walker]:
    """Six people whose ways never cross, out of sight for less than a second now and then."""
    return [
        Walker((100, 40), (110, 0), 190, hidden=(3.0, 3.6)),
        Walker((1180, 280), (-60, 0), 190, weak=(2.0, 5.0)),
        Walker((100, 500), (60, 0), 200, hidden=(6.0, 6.6)),
        Walker((400, 490), (60, 0), 210),
        Walker((700, 500), (60, 2), 190, weak=(1.0, 2.5), hidden=(7.0, 7.5)),
        Walker((560, 270), (-30, 1), 200),
    ]


def crossing() -> list[Walker]:
    """Six people who pass each other, the farther one hidden for a while."""
    return [
        Walker((100, 100), (110, 0), 300),
        Walker((1180, 130), (-110, 0), 240, hidden=(4.6, 5.2)),
        Walker((150, 330), (90, 0), 320),
        Walker((1100, 350), (-70, 0), 280, hidden=(5.6, 6.2)),
        Walker((640, 120), (20, 15), 260),
        Walker((700, 380), (-60, -5), 300),
    ]


def matched_ids(scene: Scene, followed: list[AnnotatedPicture]) -> Iterator[dict[int, int]]:
    """Of each picture: the track id of everybody who was found with one."""
    for picture, truth in zip(followed, scene.truth, strict=True):
        yield {
            who: pose.track_id
            for who, pose in zip(truth, picture.poses, strict=True)
            if who >= 0 and pose.track_id is not None
        }
