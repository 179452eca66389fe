"""Pictures with all their people's boxes, from COCO data sets."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mpn_cli.arrays import BoolArray, Float64Array, IntArray
from mpn_cli.detectors.person import PADDING
from mpn_cli.formats.coco import Annotation, BoxDataSet, Id, Image
from mpn_cli.training.data_sets import (
    PictureFile,
    TrainingDataError,
    digest_of,
    find_pictures,
    people_of,
    read_data_set,
    read_labelled_picture,
)


class _Picture(Image):
    labels_complete: bool = True


class _DataSet(BoxDataSet):
    images: list[_Picture]  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class LabelledPictures:
    """N pictures in which every person has a box."""

    digest: str
    """Of the label file: what caches are keyed by."""
    paths: tuple[PictureFile, ...]
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
    labels = data.annotations or []
    persons = people_of(file, data.categories, {p.category_id for p in labels})
    people: dict[Id, list[Annotation]] = {p.id: [] for p in data.images if p.labels_complete}
    for person in labels:
        if person.bbox and len(person.bbox) == 4 and person.image_id in people:
            people[person.image_id] += [person] if person.category_id in persons else []
    if not any(people.values()):
        raise TrainingDataError(f"{file}: nobody with a box")
    paths = find_pictures(file, data.images, list(people))
    return LabelledPictures(
        digest,
        paths,
        tuple(np.array([p.bbox for p in some], dtype=np.float64).reshape(-1, 4)
              for some in people.values()),
        tuple(np.array([bool(p.iscrowd) for p in some], dtype=bool) for some in people.values()),
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
    # Halves of a data set may be equally large: what they are called by is which they are.
    names = "\n".join(str(one.path) for one in labels.paths)
    file = folder / f"{digest_of(labels.digest + names)}-{len(labels)}-{side}.npy"
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _fill(file, labels, side)
    scales = np.load(file.with_suffix(".scales.npy"))
    boxes = tuple(b * s for b, s in zip(labels.boxes, scales[:, 2], strict=True))
    return PictureCache(labels, np.load(file, mmap_mode="r"), scales[:, :2].astype(int), boxes)


def _fill(file: Path, labels: LabelledPictures, side: int) -> None:
    unfinished = file.with_suffix(f".{os.getpid()}.tmp")
    pixels = np.lib.format.open_memmap(
        unfinished, "w+", np.dtype(np.uint8), (len(labels), side, side, 3)
    )
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
    np.save(file.with_suffix(".scales.npy"), scales)
    unfinished.replace(file)
