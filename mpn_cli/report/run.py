"""What a results folder holds, read for its page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec

from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import SKELETONS, Skeleton
from mpn_cli.formats.files import read_json
from mpn_cli.results.poses import PredictedPose, WrittenPicture
from mpn_cli.results.run_record import RunRecord
from mpn_cli.sources.remote import is_remote
from mpn_cli.sources.tasks import Skipped

LARGEST_COORDINATE = 1e9
"""Pixels; a larger number is no coordinate, and would break the page's drawings."""

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class _DataSet(msgspec.Struct):
    images: list[WrittenPicture]


class ShownRecipe(msgspec.Struct):
    """What the page shows of a job's recipe; recipes of other versions have other fields too."""

    model: str
    joints: int
    detector: str
    nms: str
    runtime: str
    precision: str
    kpt_thr: _Share
    pose_thr: _Share = 0.0


class ShownJob(msgspec.Struct):
    """What the page shows of a job."""

    recipe: ShownRecipe


@dataclass(frozen=True)
class Run:
    """A finished run."""

    out: Path
    record: RunRecord[ShownJob]
    pictures: list[WrittenPicture]
    poses: list[PredictedPose]
    """In the file's order: row n is result n."""
    skipped: list[Skipped]
    folders: Sequence[str]
    """Where the pictures were."""

    @property
    def pose_thr(self) -> float:
        """The lowest score of poses that are shown."""
        return self.record.job.recipe.pose_thr

    @property
    def shown(self) -> list[PredictedPose]:
        """The poses that are shown, in the file's order."""
        return [pose for pose in self.poses if pose.score >= self.pose_thr]

    @property
    def skeleton(self) -> Skeleton:
        """The network's joint set."""
        return SKELETONS[self.record.job.recipe.joints]

    def renumber(self, numbers: Mapping[Any, int]) -> None:
        """Give the pictures, and their poses, other ids."""
        self.pictures[:] = [
            msgspec.structs.replace(one, id=numbers.get(one.id, one.id)) for one in self.pictures
        ]
        self.poses[:] = [
            msgspec.structs.replace(one, image_id=numbers.get(one.image_id, one.image_id))
            for one in self.poses
        ]

    def picture_file(self, picture: WrittenPicture) -> str | None:
        """Where a picture is, if it still is, or a frame's video; at an address it is taken to be.

        A name that leads out of the picture folders, as ``../x`` or ``/x``, is not looked for.
        """
        name = os.path.normpath(picture.video_name or picture.file_name)
        if os.path.isabs(name) or name.split(os.sep)[0] == os.pardir:
            return None
        for folder in self.folders:
            if is_remote(folder):
                return f"{folder.rstrip('/')}/{name.replace(os.sep, '/')}"
            file = os.path.join(folder, name)
            if os.path.isfile(file):
                return file
        return None

    def addresses(self) -> list[str]:
        """Picture folders in object storage: nothing is fetched from there unless asked."""
        return [folder for folder in self.record.picture_folders if is_remote(folder)]


def read_run(out: Path, images: str | None) -> Run:
    """A finished run's files; ``images``: where its pictures are now, a folder or an address.

    Raises InputError for files that are not as mpn writes them.
    """
    if not (out / "run.json").is_file():
        raise InputError(f"{out}/ holds no finished run of mpn annotate (no run.json)")
    record = read_json(out / "run.json", RunRecord[ShownJob], "what mpn annotate writes")
    if record.job.recipe.joints not in SKELETONS:
        raise InputError(f"{out}/run.json: no skeleton of {record.job.recipe.joints} joints known")
    if "wall" not in record.seconds:
        raise InputError(f"{out}/run.json: not what mpn annotate writes: no seconds.wall")
    predictions = out / "predictions.json"
    poses = read_json(predictions, list[PredictedPose], "a list of COCO keypoint results")
    for row, pose in enumerate(poses):
        _check(f"{predictions}: result {row}", pose, record.job.recipe.joints)
    # What annotate writes there is absolute; addresses are fetched from only where asked.
    local = [folder for folder in record.picture_folders if os.path.isabs(folder)]
    return Run(
        out,
        record,
        read_json(out / "dataset.json", _DataSet, "a COCO data set").images,
        poses,
        _read_skipped(out / "skipped.jsonl"),
        [images] if images else local,
    )


def _check(where: str, pose: PredictedPose, joints: int) -> None:
    """Raise InputError for a pose that can't be drawn."""
    if len(pose.keypoints) != 3 * joints:
        raise InputError(f"{where} has {len(pose.keypoints)} keypoint numbers, not {3 * joints}")
    if len(pose.bbox) != 4:
        raise InputError(f"{where} has {len(pose.bbox)} bbox numbers, not 4")
    if max(map(abs, (*pose.keypoints, *pose.bbox, pose.score))) > LARGEST_COORDINATE:
        raise InputError(f"{where} has coordinates that are in no picture")


def _read_skipped(file: Path) -> list[Skipped]:
    if not file.is_file():
        return []
    try:
        return [msgspec.json.decode(line, type=Skipped) for line in file.read_bytes().splitlines()]
    except msgspec.DecodeError as error:
        raise InputError(f"{file}: not what mpn annotate writes: {error}") from None
