"""Parts made again from the results of a finished job, where its parts are removed.

Needed when pictures were added since, and when overlays are wanted that were not drawn.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from mpn_cli.base.recipe import Recipe
from mpn_cli.detectors.registry import find_detector
from mpn_cli.engine.finished import FinishedPictures
from mpn_cli.engine.job import DIGEST_BYTES, Job, is_batch_free
from mpn_cli.engine.parts import read_part, write_part
from mpn_cli.results.poses import AnnotatedPicture, Counts, InVideo, ShardResult

_INPUT = np.dtype([("image_id", "<i8"), ("digest", f"V{DIGEST_BYTES}")])
"""A picture's image id and its row of :attr:`Job.inputs`."""

Known = dict[bytes, int]
"""Image ids by the digest of the picture and its boxes."""


def inputs_of(job: Job) -> bytes:
    """The content of OUT's file of inputs."""
    rows = np.empty(len(job.tasks), _INPUT)
    rows["image_id"] = [task.image_id for task in job.tasks]
    rows["digest"] = job.inputs.view(f"V{DIGEST_BYTES}")[:, 0]
    return rows.tobytes()


def known_inputs(content: bytes) -> Known:
    """What OUT's file of inputs holds. Raises ValueError where it is torn."""
    rows = np.frombuffer(content, _INPUT)
    ids: list[int] = rows["image_id"].tolist()
    return dict(zip((one.tobytes() for one in rows["digest"]), ids, strict=True))


def companions_matter(recipe: Recipe) -> bool:
    """Whether a picture's results may depend on those that it shares a shard with."""
    alone = not recipe.detector or find_detector(recipe.detector).one_by_one
    return not is_batch_free(recipe) or not alone


def reuse_shards(job: Job, known: Known, out: Path, parts: Path) -> None:
    """Write the parts of those shards whose pictures are all among the results in ``out``."""
    ids = [known.get(digest.tobytes()) for digest in job.inputs]
    detector = job.recipe.detector
    full_image = bool(detector) and find_detector(detector).whole_pictures
    with FinishedPictures(out) as finished:
        for number in range(job.shards):
            tasks = job.shard(number)
            old = ids[job.bounds[number] : job.bounds[number + 1]]
            if None in old or read_part(parts, job.hash, number) is not None:
                continue
            found = [finished.find(one) for one in old if one is not None]
            pictures = [
                msgspec.structs.replace(
                    picture,
                    image_id=task.image_id,
                    file_name=task.file_name,
                    frame=InVideo.of(task),
                    poses=[msgspec.structs.replace(one, track_id=None) for one in picture.poses],
                )
                for picture, task in zip(found, tasks, strict=True)
                if picture is not None
            ]
            if len(pictures) == len(tasks):  # else one was skipped, and is tried again
                alone = sum(task.boxes is None for task in tasks) if full_image else 0
                threshold = job.recipe.pose_thr
                kept_out = sum(len(one.poses) - len(one.likely(threshold)) for one in pictures)
                other_size = sum(
                    task.size not in (None, (picture.width, picture.height))
                    for task, picture in zip(tasks, pictures, strict=True)
                )
                counts = Counts(
                    full_image=alone,
                    kept_out=kept_out,
                    other_size=other_size,
                    reused=len(pictures),
                )
                write_part(parts, job.hash, number, ShardResult(pictures, counts=counts))


def restore_parts(job: Job, mark: str, out: Path, parts: Path) -> None:
    """Write parts that hold a finished job's poses, for drawing; those there stay as they are."""
    with FinishedPictures(out) as finished:
        for number in range(job.shards):
            if read_part(parts, mark, number) is None:
                found = (finished.find(task.image_id) for task in job.shard(number))
                pictures: list[AnnotatedPicture] = [one for one in found if one is not None]
                write_part(parts, mark, number, ShardResult(pictures))
