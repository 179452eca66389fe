"""predictions.json and dataset.json, written as a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from mpn_cli.base.files import new_file
from mpn_cli.base.skeletons import Skeleton
from mpn_cli.results.poses import AnnotatedPicture, Pose, WrittenPicture, WrittenVideo

PERSON_ID = 1


def write_predictions(file: Path, pictures: Iterable[AnnotatedPicture]) -> None:
    """COCO keypoint results (cocodataset.org/#format-results), one line each."""
    lines = (prediction(picture.image_id, pose) for picture in pictures for pose in picture.poses)
    with new_file(file) as out:
        out.writelines(_json_list(lines))
        out.write(b"\n")


def prediction(image_id: int, pose: Pose) -> dict[str, Any]:
    """One COCO keypoint result."""
    return {
        "image_id": image_id,
        "category_id": PERSON_ID,
        "keypoints": pose.keypoints,
        "score": pose.score,
        "bbox": pose.bbox,
        "area": pose.area,
        **_track(pose),
    }


def _track(pose: Pose) -> dict[str, int]:
    return {} if pose.track_id is None else {"track_id": pose.track_id}


def write_dataset(
    file: Path,
    pictures: Iterable[AnnotatedPicture],
    again: Iterable[AnnotatedPicture],
    skeleton: Skeleton,
    kpt_thr: float,
    pose_thr: float,
    info: dict[str, Any],
) -> None:
    """Poses with a score of at least ``pose_thr`` as a COCO data set.

    ``pictures`` and ``again`` both go through all pictures.
    """
    with new_file(file) as out:
        out.write(b'{"info": ' + msgspec.json.encode(info) + b',\n"categories": [')
        out.write(msgspec.json.encode(category(skeleton)) + b'],\n"images": ')
        videos: dict[str, int] = {}
        out.writelines(_json_list(_image(picture, videos) for picture in pictures))
        out.write(b',\n"annotations": ')
        out.writelines(_json_list(_annotations(again, kpt_thr, pose_thr)))
        if videos:
            out.write(b',\n"videos": ')
            out.writelines(_json_list(WrittenVideo(n, name) for name, n in videos.items()))
        out.write(b"}\n")


def category(skeleton: Skeleton) -> dict[str, Any]:
    """The person category; skeletons count joints from 1."""
    return {
        "id": PERSON_ID,
        "name": "person",
        "supercategory": "person",
        "keypoints": skeleton.keypoints,
        "skeleton": [[a + 1, b + 1] for a, b in skeleton.limbs],
    }


def _json_list(values: Iterable[Any]) -> Iterator[bytes]:
    separator = b"[\n"
    for value in values:
        yield separator + msgspec.json.encode(value)
        separator = b",\n"
    yield b"[]" if separator == b"[\n" else b"\n]"


def _image(picture: AnnotatedPicture, videos: dict[str, int]) -> WrittenPicture:
    """A picture; the video that it is a frame of is numbered in ``videos``."""
    image = WrittenPicture(picture.image_id, picture.file_name, picture.width, picture.height)
    frame = picture.frame
    if frame is None:
        return image
    video_id = videos.setdefault(frame.video, len(videos) + 1)
    return msgspec.structs.replace(
        image, video_id=video_id, frame_id=frame.number, time=round(frame.seconds, 3)
    )


def _annotations(
    pictures: Iterable[AnnotatedPicture], kpt_thr: float, pose_thr: float
) -> Iterator[dict[str, Any]]:
    number = 0
    for picture in pictures:
        for pose in picture.likely(pose_thr):
            number += 1
            visibilities = pose.visibilities(kpt_thr)
            keypoints: list[float] = []
            for (x, y, _), visibility in zip(pose.joints(), visibilities, strict=True):
                keypoints += [x, y, visibility] if visibility else [0, 0, 0]
            yield {
                "id": number,
                "image_id": picture.image_id,
                "category_id": PERSON_ID,
                "bbox": pose.bbox,
                "area": pose.area,
                "segmentation": [],
                "iscrowd": 0,
                "keypoints": keypoints,
                "num_keypoints": sum(visibility > 0 for visibility in visibilities),
                "score": pose.score,
                **_track(pose),
            }
