"""Which pictures a page shows, and their thumbnails."""

from __future__ import annotations

import base64
import contextlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import cv2

from mpn_cli.evaluation.errors import KINDS, UNLABELLED, Errors, Kind
from mpn_cli.evaluation.ground_truth import GroundTruth
from mpn_cli.report.run import Run
from mpn_cli.results.poses import Pose, PredictedPose, WrittenPicture
from mpn_cli.sources.frames import FrameReader
from mpn_cli.sources.reading import Decoded, UnreadableError, read_reduced
from mpn_cli.sources.tasks import FrameTask
from mpn_cli.sources.videos import list_frames

THUMBNAILS = ((300, 480, 70), (800, 320, 65), (2000, 224, 60), (10**9, 160, 50))
"""Up to so many pictures: pixels of the longer side, WebP quality. 5,000 stay under 25 MB."""

Shelves = dict[str, list[int]]
"""Names of filters, each with ids of pictures in its order."""


@dataclass
class Card:
    """One picture of the gallery."""

    picture: WrittenPicture
    thumbnail: str
    """A data URI; empty where the picture is gone."""
    poses: list[dict[str, Any]]
    labels: list[dict[str, Any]] = field(default_factory=list)
    note: str = ""


def shelves_by_score(run: Run, most: int) -> Shelves:
    """Without a ground truth: by the score of the best pose, and by the number of people."""
    best: dict[int, float] = {}
    people: Counter[int] = Counter()
    for pose in run.shown:
        best[pose.image_id] = max(best.get(pose.image_id, 0.0), pose.score)
        people[pose.image_id] += 1
    ranked = sorted(best, key=lambda picture: -best[picture])
    empty = [picture.id for picture in run.pictures if picture.id not in best]
    crowded = sorted(people, key=lambda picture: (-people[picture], picture))
    return _shared(
        {
            "sure": ranked,
            "middle": _from_the_middle(ranked),
            "unsure": ranked[::-1],
            "most people": crowded,
            "nobody": empty,
        },
        most,
    )


def shelves_by_errors(errors: Errors, truth: GroundTruth, run: Run, most: int) -> Shelves:
    """With a ground truth: by OKS, and by kinds of mistakes."""
    by_loss = [one.picture for one in errors.pictures]
    ranked = [one.picture for one in sorted(errors.pictures, key=lambda one: -one.oks)]
    shelves = {
        "best": ranked,
        "middle": _from_the_middle(ranked),
        "worst": by_loss,
    }
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    pictures = truth.picture_of[errors.pairs[:, 0]].tolist()
    for picture, of_joint in zip(pictures, errors.kinds.tolist(), strict=True):
        for kind in of_joint:
            if kind != UNLABELLED:
                counts[KINDS[kind]][picture] += 1
    for row in errors.background:
        counts["background"][run.poses[row].image_id] += 1
    for person in errors.missed:
        counts["missed people"][truth.scored[person].image_id] += 1
    for name in (
        *(kind.value for kind in KINDS if kind is not Kind.GOOD),
        "missed people",
        "background",
    ):
        shelves[name] = [picture for picture, _ in counts[name].most_common()]
    return _shared(shelves, most)


def _from_the_middle(ranked: Sequence[int]) -> list[int]:
    """The middle one first, then its neighbours outwards."""
    outwards = sorted(range(len(ranked)), key=lambda place: abs(place - len(ranked) // 2))
    return [ranked[place] for place in outwards]


def _shared(shelves: Shelves, most: int) -> Shelves:
    """Each filter's first pictures, so that all together are at most about ``most``."""
    share = max(1, most // max(sum(1 for ids in shelves.values() if ids), 1))
    return {name: ids[:share] for name, ids in shelves.items()}


def make_cards(
    run: Run,
    shelves: Mapping[str, Sequence[int]],
    notes: Mapping[int, str],
    truth: GroundTruth | None,
    most: int,
) -> list[Card]:
    """A card for every picture on a shelf, and for others up to ``most``."""
    poses: dict[int, list[PredictedPose]] = defaultdict(list)
    for pose in run.shown:
        poses[pose.image_id].append(pose)
    labels: dict[int, list[dict[str, Any]]] = defaultdict(list)
    if truth is not None:
        for person in truth.scored:
            labels[person.image_id].append({"k": [round(value) for value in person.keypoints]})
    wanted = {picture for ids in shelves.values() for picture in ids}
    rest = [picture.id for picture in run.pictures if picture.id not in wanted]
    wanted.update(rest[: max(0, most - len(wanted))])
    shown = [picture for picture in run.pictures if picture.id in wanted]
    side, quality = next((s, q) for n, s, q in THUMBNAILS if len(shown) <= n)
    thumbnails = _thumbnails(run, shown, side, quality)
    return [
        Card(
            picture,
            thumbnail,
            [_compact(pose) for pose in poses[picture.id]],
            labels[picture.id],
            notes.get(picture.id, ""),
        )
        for picture, thumbnail in ((one, thumbnails[one.id]) for one in shown)
    ]


def _compact(pose: Pose) -> dict[str, Any]:
    """A pose in whole pixels, confidences in hundredths."""
    flat = [
        round(100 * value) if place % 3 == 2 else round(value)
        for place, value in enumerate(pose.keypoints)
    ]
    return {"k": flat, "s": round(pose.score, 2), "b": [round(value) for value in pose.bbox]}


def _thumbnails(
    run: Run, shown: Sequence[WrittenPicture], side: int, quality: int
) -> dict[int, str]:
    """Thumbnails by image id."""
    stills = [picture for picture in shown if picture.frame_id is None]
    with ThreadPoolExecutor() as threads:
        made = threads.map(lambda one: _thumbnail(run, one, side, quality), stills)
        thumbnails = dict(zip((picture.id for picture in stills), made, strict=True))
    frames = [picture for picture in shown if picture.frame_id is not None]
    frames.sort(key=lambda frame: (frame.video_name, frame.frame_id))
    for _, of_video in groupby(frames, key=lambda frame: frame.video_name):
        thumbnails |= _frame_thumbnails(run, list(of_video), side, quality)
    return thumbnails


def _frame_thumbnails(
    run: Run, frames: Sequence[WrittenPicture], side: int, quality: int
) -> dict[int, str]:
    """Thumbnails of some frames of one video, in their order, by image id."""
    thumbnails = dict.fromkeys((frame.id for frame in frames), "")
    video = run.picture_file(frames[0])
    with FrameReader() as reader, contextlib.suppress(UnreadableError):
        listed = list_frames(video).frames if video else []
        for frame in frames:
            number = frame.frame_id or 0
            if video and number < len(listed):
                name = frame.video_name
                task = FrameTask(frame.id, video, name, frame=listed[number], video=name)
                with contextlib.suppress(UnreadableError, MemoryError):
                    thumbnails[frame.id] = _encoded(reader.read(task), side, quality)
    return thumbnails


def _thumbnail(run: Run, picture: WrittenPicture, side: int, quality: int) -> str:
    file = run.picture_file(picture)
    if file is None:
        return ""
    size = (picture.width, picture.height)
    try:
        read = read_reduced(file, lambda width, height: max(width, height) / side, size)
    except UnreadableError:
        return ""
    except MemoryError:
        return ""
    return _encoded(read, side, quality)


def _encoded(read: Decoded, side: int, quality: int) -> str:
    """A picture, scaled to ``side`` pixels, as a data URI."""
    scale = side / max(read.width, read.height)
    shown = (max(1, round(read.width * scale)), max(1, round(read.height * scale)))
    small = cv2.resize(read.pixels, shown, interpolation=cv2.INTER_AREA)
    _, coded = cv2.imencode(
        ".webp", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, quality]
    )
    return "data:image/webp;base64," + base64.b64encode(coded.tobytes()).decode()
