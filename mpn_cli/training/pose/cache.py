"""Crops decoded once: a memory-mapped file of uint8 regions, larger than what is trained on.

Each person's region is a third larger than an inference crop (``MARGIN``), so that rotation and
scale find their pixels in it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpn_cli.base.arrays import Float64Array
from mpn_cli.base.files import unfinished_file
from mpn_cli.geometry.crops import PADDING, Regions, regions_of_boxes, warp_crop
from mpn_cli.training.data_sets import digest_of, read_labelled_picture
from mpn_cli.training.pose.people import People

MARGIN = 1.32


@dataclass(frozen=True, slots=True)
class CropCache:
    """A data set's people as regions of one size."""

    people: People
    crops: NDArray[np.uint8]
    """(N, H, W, 3) RGB, memory-mapped."""
    keypoints: Float64Array
    """(N, K, 2) cells of the cached region."""

    def __len__(self) -> int:
        return len(self.people)


def cached_size(input_size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of the regions kept for inputs of (width, height)."""
    return round(input_size[0] * MARGIN), round(input_size[1] * MARGIN)


def open_cache(people: People, input_size: tuple[int, int], folder: Path) -> CropCache:
    """The cache of some people for an input size, made if it is not there yet."""
    size = cached_size(input_size)
    # Halves of a data set may be equally large: what they are called by is who they are.
    who = digest_of(people.digest, people.picture_ids, people.boxes)
    file = folder / f"{who}-{len(people)}-{size[0]}x{size[1]}.npy"
    regions = regions_of_boxes(people.boxes, input_size, PADDING * MARGIN)
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with unfinished_file(file) as unfinished:
            _fill(unfinished, people, regions, size)
    last = np.asarray(size) - 1
    offsets = people.keypoints - regions.centres[:, None]
    keypoints = offsets * (last / regions.sizes)[:, None] + last / 2
    return CropCache(people, np.load(file, mmap_mode="r"), keypoints)


def _fill(file: Path, people: People, regions: Regions, size: tuple[int, int]) -> None:
    crops = np.lib.format.open_memmap(
        file, "w+", np.dtype(np.uint8), (len(people), size[1], size[0], 3)
    )
    order = np.argsort(people.picture_rows, kind="stable")
    of_picture = np.split(order, np.flatnonzero(np.diff(people.picture_rows[order])) + 1)

    def cut(rows: NDArray[np.int64]) -> None:
        picture = read_labelled_picture(people.pictures[people.picture_rows[rows[0]]])
        for row in rows:
            crops[row] = warp_crop(picture, regions.centres[row], regions.sizes[row], size)

    with ThreadPoolExecutor() as pool:
        list(pool.map(cut, of_picture))
    crops.flush()
