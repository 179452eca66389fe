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
from mpn_cli.sources.remote import is_remote

_Coordinate = Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class Pose(msgspec.Struct, gc=False):
    """A line of predictions.json."""

    image_id: int
    keypoints: list[_Coordinate]
    score: _Coordinate
    bbox: Annotated[list[_Coordinate], msgspec.Meta(min_length=4, max_length=4)]


class Picture(msgspec.Struct):
    """A picture of dataset.json."""

    id: int
    file_name: str
    width: _Count
    height: _Count


class _DataSet(msgspec.Struct):
    images: list[Picture]


class Skip(msgspec.Struct):
    """A line of skipped.jsonl."""

    path: str
    reason: str
    detail: str


class Counts(msgspec.Struct):
    """Of run.json."""

    pictures: _Count
    people: _Count
    skipped: _Count
    kept_out: _Count = 0
    before_this_run: dict[str, _Count] = {}


class Seconds(msgspec.Struct):
    """Of run.json."""

    wall: Annotated[float, msgspec.Meta(ge=0)]


class RecipeRecord(msgspec.Struct):
    """What run.json says of how poses were found."""

    model: str
    joints: int
    detector: str
    nms: str
    runtime: str
    precision: str
    kpt_thr: Annotated[float, msgspec.Meta(ge=0, le=1)]
    pose_thr: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0


class JobRecord(msgspec.Struct):
    """Of run.json."""

    recipe: RecipeRecord


class Option(msgspec.Struct):
    """An option's value and where it came from."""

    value: Any
    origin: str = msgspec.field(name="from")


class Record(msgspec.Struct):
    """run.json, as far as the page shows it."""

    job: JobRecord
    counts: Counts
    seconds: Seconds
    picture_folders: list[str] = []
    options: dict[str, Option] = {}
    versions: dict[str, str] = {}


@dataclass(frozen=True)
class Run:
    """A finished run."""

    out: Path
    record: Record
    pictures: list[Picture]
    poses: list[Pose]
    """In the file's order: row n is result n."""
    skipped: list[Skip]
    folders: Sequence[str]
    """Where the pictures were."""

    @property
    def pose_thr(self) -> float:
        """The lowest score of poses that are shown."""
        return self.record.job.recipe.pose_thr

    @property
    def shown(self) -> list[Pose]:
        """The poses that are shown, in the file's order."""
        return [pose for pose in self.poses if pose.score >= self.pose_thr]

    @property
    def skeleton(self) -> Skeleton:
        """The network's joint set."""
        return SKELETONS[self.record.job.recipe.joints]

    def renumber(self, numbers: Mapping[Any, int]) -> None:
        """Give the pictures, and their poses, other ids."""
        for picture in self.pictures:
            picture.id = numbers.get(picture.id, picture.id)
        for pose in self.poses:
            pose.image_id = numbers.get(pose.image_id, pose.image_id)

    def picture_file(self, picture: Picture) -> str | None:
        """Where a picture is, if it still is; at an address it is taken to be.

        A name that leads out of the picture folders, as ``../x`` or ``/x``, is not looked for.
        """
        name = os.path.normpath(picture.file_name)
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
    record = read_json(out / "run.json", Record, "what mpn annotate writes")
    if record.job.recipe.joints not in SKELETONS:
        raise InputError(f"{out}/run.json: no skeleton of {record.job.recipe.joints} joints known")
    poses = read_json(out / "predictions.json", list[Pose], "a list of COCO keypoint results")
    numbers = 3 * record.job.recipe.joints
    for row, pose in enumerate(poses):
        if len(pose.keypoints) != numbers:
            raise InputError(
                f"{out}/predictions.json: result {row} has {len(pose.keypoints)} keypoint numbers,"
                f" not {numbers}"
            )
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


def _read_skipped(file: Path) -> list[Skip]:
    if not file.is_file():
        return []
    try:
        return [msgspec.json.decode(line, type=Skip) for line in file.read_bytes().splitlines()]
    except msgspec.DecodeError as error:
        raise InputError(f"{file}: not what mpn annotate writes: {error}") from None
