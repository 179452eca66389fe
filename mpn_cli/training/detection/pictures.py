"""Pictures with all their people's boxes, from COCO data sets."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from mpn_cli.arrays import BoolArray, Float64Array, IntArray
from mpn_cli.detectors.person import PADDING
from mpn_cli.training.data_sets import (
    TrainingDataError,
    find_pictures,
    read_data_set,
    read_labelled_picture,
    unfinished_file,
)


class _Picture(msgspec.Struct):
    id: int
    file_name: str
    labels_complete: bool = True


class _Person(msgspec.Struct):
    image_id: int
    bbox: list[float] = []
    iscrowd: int = 0


class _DataSet(msgspec.Struct):
    images: list[_Picture]
    annotations: list[_Person]


@dataclass(frozen=True, slots=True)
class LabelledPictures:
    """N pictures in which every person has a box."""

    digest: str
    """Of the label file: what caches are keyed by."""
    paths: tuple[Path, ...]
    boxes: tuple[Float64Array, ...]
    """(M, 4) x, y, width, height of each picture's people, pixels."""
    crowds: tuple[BoolArray, ...]
    """(M,) boxes that hold a crowd: nothing is learned inside."""

    def __len__(self) -> int:
        return len(self.paths)

    def where(self, rows: BoolArray) -> LabelledPictures:
        """Some of the pictures."""
        chosen = np.flatnonzero(rows).tolist()
        return LabelledPictures(
            self.digest,
            tuple(self.paths[i] for i in chosen),
            tuple(self.boxes[i] for i in chosen),
            tuple(self.crowds[i] for i in chosen),
        )


def load_pictures(source: Path) -> LabelledPictures:
    """All pictures of a COCO data set but those marked ``labels_complete: false``.

    Raises TrainingDataError for a file that is none, missing pictures, or no person at all.
    """
    file, digest, data = read_data_set(source, _DataSet)
    people: dict[int, list[_Person]] = {p.id: [] for p in data.images if p.labels_complete}
    for person in data.annotations:
        if len(person.bbox) == 4 and person.image_id in people:
            people[person.image_id].append(person)
    if not any(people.values()):
        raise TrainingDataError(f"{file}: nobody with a box")
    paths = find_pictures(file, {p.id: p.file_name for p in data.images}, list(people))
    return LabelledPictures(
        digest,
        paths,
        tuple(np.array([p.bbox for p in some], dtype=np.float64).reshape(-1, 4)
              for some in people.values()),
        tuple(np.array([p.iscrowd for p in some], dtype=bool) for some in people.values()),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PictureCache:
    """Pictures scaled to one long side, memory-mapped."""

    labels: LabelledPictures
    pixels: NDArray[np.uint8]
    """(N, S, S, 3) RGB; each picture stands in the top left corner, the rest is padding."""
    sizes: IntArray
    """(N, 2) width and height in the cache."""
    boxes: tuple[Float64Array, ...]
    """(M, 4) each picture's, in cached pixels."""

    def __len__(self) -> int:
        return len(self.sizes)

    def picture(self, row: int) -> NDArray[np.uint8]:
        """One picture without its padding."""
        width, height = self.sizes[row]
        return np.asarray(self.pixels[row, :height, :width])


def open_picture_cache(labels: LabelledPictures, side: int, folder: Path) -> PictureCache:
    """The cache of some pictures at a long side, made if it is not there yet."""
    file = folder / f"{labels.digest}-{len(labels)}-{side}.npy"
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with unfinished_file(file) as unfinished:
            np.save(file.with_suffix(".scales.npy"), _fill(unfinished, labels, side))
    scales = np.load(file.with_suffix(".scales.npy"))
    boxes = tuple(b * s for b, s in zip(labels.boxes, scales[:, 2], strict=True))
    return PictureCache(labels, np.load(file, mmap_mode="r"), scales[:, :2].astype(int), boxes)


def _fill(file: Path, labels: LabelledPictures, side: int) -> Float64Array:
    """Returns (N, 3): each picture's width and height in the cache, and its scale."""
    pixels = np.lib.format.open_memmap(file, "w+", np.dtype(np.uint8), (len(labels), side, side, 3))
    pixels[:] = PADDING
    scales = np.empty((len(labels), 3))

    def put(row: int) -> None:
        picture = read_labelled_picture(labels.paths[row])
        height, width = picture.shape[:2]
        scale = side / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        pixels[row, : size[1], : size[0]] = small
        scales[row] = (*size, scale)

    with ThreadPoolExecutor() as pool:
        list(pool.map(put, range(len(labels))))
    pixels.flush()
    return scales
