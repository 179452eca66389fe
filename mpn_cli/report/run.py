"""What a results folder holds, read for its page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mpn_cli.errors import InputError
from mpn_cli.formats.files import read_json
from mpn_cli.skeletons import SKELETONS, Skeleton
from mpn_cli.sources.remote import is_remote


class Pose(msgspec.Struct, gc=False):
    """A line of predictions.json."""

    image_id: int
    keypoints: list[float]
    score: float
    bbox: list[float]


class Picture(msgspec.Struct):
    """A picture of dataset.json."""

    id: int
    file_name: str
    width: int
    height: int


class _DataSet(msgspec.Struct):
    images: list[Picture]


class Skip(msgspec.Struct):
    """A line of skipped.jsonl."""

    path: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Run:
    """A finished run."""

    out: Path
    record: dict[str, Any]
    """run.json."""
    pictures: list[Picture]
    poses: list[Pose]
    """In the file's order: row n is result n."""
    skipped: list[Skip]
    folders: Sequence[str]
    """Where the pictures were."""

    @property
    def skeleton(self) -> Skeleton:
        """The network's joint set."""
        return SKELETONS[self.record["job"]["recipe"]["joints"]]

    def renumber(self, numbers: Mapping[Any, int]) -> None:
        """Give the pictures, and their poses, other ids."""
        for picture in self.pictures:
            picture.id = numbers.get(picture.id, picture.id)
        for pose in self.poses:
            pose.image_id = numbers.get(pose.image_id, pose.image_id)

    def picture_file(self, picture: Picture) -> str | None:
        """Where a picture is, if it still is; in object storage it is taken to be."""
        places = (os.path.join(folder, picture.file_name) for folder in self.folders)
        return next((one for one in places if is_remote(one) or os.path.isfile(one)), None)


def read_run(out: Path, images: Path | None) -> Run:
    """A finished run's files; ``images``: where its pictures are now. Raises InputError."""
    if not (out / "run.json").is_file():
        raise InputError(f"{out}/ holds no finished run of mpn annotate (no run.json)")
    record = read_json(out / "run.json", dict[str, Any], "what mpn annotate writes")
    skipped = []
    if (out / "skipped.jsonl").is_file():
        lines = (out / "skipped.jsonl").read_bytes().splitlines()
        skipped = [msgspec.json.decode(line, type=Skip) for line in lines]
    return Run(
        out,
        record,
        read_json(out / "dataset.json", _DataSet, "a COCO data set").images,
        read_json(out / "predictions.json", list[Pose], "a list of COCO keypoint results"),
        skipped,
        [str(images)] if images else record.get("picture_folders", []),
    )
