"""Random views of whole pictures: scale, place, flip, colour, mosaics of four."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.architecture import DETECTOR_STRIDE
from mpn_cli.arrays import Float32Array, Float64Array, IntArray, Picture
from mpn_cli.detectors.person import PADDING
from mpn_cli.pipeline.crops import normalise
from mpn_cli.training.batches import Batches
from mpn_cli.training.detection.pictures import PictureCache
from mpn_cli.training.detection.targets import centre_targets
from mpn_cli.training.pose.augmentation import AUGMENTATIONS, change_colour

SCALES = (0.5, 1.6)
"""Of a picture beside one that just fits the input."""

MOSAIC_PROBABILITY = 0.5
MOSAIC_SCALES = (0.35, 1.1)
VISIBLE_SHARE = 0.3
"""Of a box's area: people cut off further are not learned, nor held against the network."""

SMALLEST_SIDE = 4.0
"""Input pixels; people narrower or lower than this are ignored too."""


@dataclass(frozen=True, slots=True)
class DetectionBatch:
    """What one training step takes."""

    pictures: Float32Array
    """(B, 3, H, W) normalised RGB."""
    targets: Float32Array
    """(B, 7, H/8, W/8), see :func:`centre_targets`."""


class ViewMaker(Batches[DetectionBatch]):
    """Makes the batches of a stage."""

    def __init__(
        self, cache: PictureCache, input_size: tuple[int, int], batch: int, seed: int
    ) -> None:
        super().__init__([len(cache)], [1.0], batch, seed)
        self.cache = cache
        self.input_size = input_size

    def make(self, step: int, rows: list[tuple[int, int]]) -> DetectionBatch:
        """The batch of some rows; ``step`` seeds its augmentation."""
        width, height = self.input_size
        pictures = np.empty((len(rows), height, width, 3), dtype=np.uint8)
        grid = (width // DETECTOR_STRIDE, height // DETECTOR_STRIDE)
        targets = np.empty((len(rows), 7, grid[1], grid[0]), dtype=np.float32)
        for i, (_, row) in enumerate(rows):
            rng = np.random.default_rng((self.seed, height, step, i))
            view = self._mosaic if rng.random() < MOSAIC_PROBABILITY else self._single
            picture, boxes, ignored = view(rng, row)
            if rng.random() < 0.5:
                picture = np.ascontiguousarray(picture[:, ::-1])
                for some in (boxes, ignored):
                    some[:, 0] = width - some[:, 0] - some[:, 2]
            pictures[i] = change_colour(rng, AUGMENTATIONS["paper"], picture)
            targets[i] = centre_targets(boxes, ignored, grid, DETECTOR_STRIDE)
        return DetectionBatch(normalise(pictures), targets)

    def _single(
        self, rng: np.random.Generator, row: int
    ) -> tuple[Picture, Float64Array, Float64Array]:
        return self._tile(rng, row, self.input_size, SCALES)

    def _mosaic(
        self, rng: np.random.Generator, row: int
    ) -> tuple[Picture, Float64Array, Float64Array]:
        width, height = self.input_size
        split = (rng.uniform(0.3, 0.7, 2) * self.input_size).astype(int)
        picture = np.empty((height, width, 3), dtype=np.uint8)
        rows = [row, *rng.integers(0, len(self.cache), 3).tolist()]
        people, left_out = [], []
        for index, one in enumerate(rows):
            x, wide = (0, split[0]) if index % 2 == 0 else (split[0], width - split[0])
            y, high = (0, split[1]) if index < 2 else (split[1], height - split[1])
            size = (int(wide), int(high))
            tile, boxes, ignored = self._tile(rng, one, size, MOSAIC_SCALES)
            picture[y : y + high, x : x + wide] = tile
            people.append(boxes + np.array([x, y, 0, 0]))
            left_out.append(ignored + np.array([x, y, 0, 0]))
        return picture, np.concatenate(people), np.concatenate(left_out)

    def _tile(
        self,
        rng: np.random.Generator,
        row: int,
        size: tuple[int, int],
        scales: tuple[float, float],
    ) -> tuple[Picture, Float64Array, Float64Array]:
        """(pixels, boxes, ignored boxes) of a random view of (width, height).

        The scale is relative to the one at which the picture just fits the input.
        """
        picture = self.cache.picture(row)
        own: IntArray = self.cache.sizes[row]
        scale = float(
            (np.asarray(self.input_size) / own).min() * np.exp(rng.uniform(*np.log(scales)))
        )
        room = np.asarray(size) - own * scale
        shift = np.where(room > 0, rng.uniform(0, 1, 2) * room, rng.uniform(0, 1, 2) * room)
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        tile = cv2.warpAffine(
            picture, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(PADDING,) * 3
        )
        boxes = self.cache.boxes[row] * scale + [*shift, 0, 0]
        low = np.clip(boxes[:, :2], 0, size)
        high = np.clip(boxes[:, :2] + boxes[:, 2:], 0, size)
        cut = np.concatenate([low, high - low], axis=1)
        area = cut[:, 2] * cut[:, 3]
        seen = area > 0
        whole = np.maximum(boxes[:, 2] * boxes[:, 3], 1e-9)
        learned = (
            (area / whole >= VISIBLE_SHARE)
            & (cut[:, 2:].min(axis=1) >= SMALLEST_SIDE)
            & ~self.cache.labels.crowds[row]
        )
        return np.asarray(tile, dtype=np.uint8), cut[seen & learned], cut[seen & ~learned]
