"""The results of a finished job, read back picture by picture.

What mpn writes has one picture or pose per line, by ascending image id: any picture's are found
without holding all of them in memory.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import msgspec
import numpy as np

from mpn_cli.base.arrays import IntArray
from mpn_cli.results.poses import AnnotatedPicture, Pose, PredictedPose, WrittenPicture

_image = msgspec.json.Decoder(WrittenPicture)
_result = msgspec.json.Decoder(PredictedPose)


class FinishedPictures:
    """Random access to ``dataset.json`` and ``predictions.json``; a context manager.

    Both must be as mpn wrote them.
    """

    def __init__(self, out: Path) -> None:
        self._images = (out / "dataset.json").open("rb")
        self._poses = (out / "predictions.json").open("rb")
        for line in self._images:
            if line.startswith(b'"images"'):
                break
        images = ((_image.decode(line).id, at) for at, line in _entries(self._images))
        self._image_ids, self._image_places = _arrays(images)
        results = ((_result.decode(line).image_id, at) for at, line in _entries(self._poses, 2))
        self._pose_ids, self._pose_places = _arrays(results)

    def __enter__(self) -> FinishedPictures:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the files."""
        self._images.close()
        self._poses.close()

    def find(self, image_id: int) -> AnnotatedPicture | None:
        """A picture and its poses; None if it is not among the results."""
        row = int(np.searchsorted(self._image_ids, image_id))
        if row == len(self._image_ids) or self._image_ids[row] != image_id:
            return None
        self._images.seek(self._image_places[row])
        image = _image.decode(_bare(self._images.readline()))
        first, last = np.searchsorted(self._pose_ids, (image_id, image_id + 1))
        poses = []
        if first < last:
            self._poses.seek(self._pose_places[first])
            lines = itertools.islice(self._poses, int(last - first))
            found = [_result.decode(_bare(line)) for line in lines]
            poses = [Pose(one.keypoints, one.score, one.bbox, one.track_id) for one in found]
        return AnnotatedPicture(image.id, image.file_name, image.width, image.height, poses)


def _entries(file: BinaryIO, start: int | None = None) -> Iterator[tuple[int, bytes]]:
    """(place, JSON) of each line of a list, from ``start`` or where the file stands."""
    place = file.seek(start) if start is not None else file.tell()
    for line in file:
        if not line.startswith(b"{"):
            return
        yield place, _bare(line)
        place += len(line)


def _bare(line: bytes) -> bytes:
    return line.rstrip(b",\n")


def _arrays(entries: Iterator[tuple[int, int]]) -> tuple[IntArray, IntArray]:
    flat = np.fromiter(itertools.chain.from_iterable(entries), dtype=np.int64)
    return flat[::2], flat[1::2]
