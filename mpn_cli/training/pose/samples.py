"""Batches of augmented crops with their heatmap targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from mpn_cli.base.arrays import Float32Array, Float64Array, Picture
from mpn_cli.base.skeletons import Skeleton
from mpn_cli.geometry.crops import normalise
from mpn_cli.training.batches import Batches
from mpn_cli.training.pose.augmentation import (
    Augmentation,
    View,
    apply_view,
    change_colour,
    cut_out,
    draw_view,
    move_content,
    move_keypoints,
)
from mpn_cli.training.pose.cache import CropCache, cached_size
from mpn_cli.training.pose.pasting import body_mask, draw_offsets, pastable
from mpn_cli.training.pose.targets import gaussian_heatmaps


@dataclass(frozen=True, slots=True)
class PoseBatch:
    """What one training step takes."""

    crops: Tensor
    """(B, 3, H, W) float32, normalised RGB."""
    heatmaps: Tensor
    """(B, K, H/4, W/4)."""
    weights: Tensor
    """(B, K)."""


class CropMaker(Batches[PoseBatch]):
    """Makes the batches of a stage."""

    def __init__(
        self,
        caches: Sequence[CropCache],
        mix: Sequence[float],
        skeleton: Skeleton,
        augmentation: Augmentation,
        input_size: tuple[int, int],
        batch: int,
        seed: int,
    ) -> None:
        super().__init__([len(cache) for cache in caches], mix, batch, seed)
        self.caches = caches
        self.skeleton = skeleton
        self.augmentation = augmentation
        self.input_size = input_size
        self.pastable = pastable(caches)

    def make(self, step: int, rows: list[tuple[int, int]], first: int = 0) -> PoseBatch:
        """The batch of some rows; ``step`` and the row's place in it seed the augmentation."""
        width, height = self.input_size
        joints = self.skeleton.joints
        crops = np.empty((len(rows), height, width, 3), dtype=np.uint8)
        keypoints = np.empty((len(rows), joints, 2))
        weights = np.empty((len(rows), joints), dtype=np.float32)
        for i, (data_set, row) in enumerate(rows):
            rng = np.random.default_rng((self.seed, height, step, first + i))
            view = self._draw_view(rng, data_set, row)
            crop, keypoints[i], weights[i] = self._seen(view, data_set, row)
            if self.augmentation.paste_probability:
                crop = self._paste(rng, crop)
            crop = change_colour(rng, self.augmentation, crop)
            crops[i] = cut_out(rng, self.augmentation, crop)
        heatmap_size = (width // 4, height // 4)
        in_cells = keypoints * ((np.asarray(heatmap_size) - 1) / (np.array([width, height]) - 1))
        heatmaps, weights = gaussian_heatmaps(in_cells, weights, heatmap_size)
        arrays = (normalise(crops), heatmaps, weights)
        return PoseBatch(*(torch.from_numpy(array) for array in arrays))

    def _draw_view(self, rng: np.random.Generator, data_set: int, row: int) -> View:
        cache = self.caches[data_set]
        return draw_view(
            rng, self.augmentation, self.skeleton, cache.keypoints[row], cache.people.weights[row],
            cached_size(self.input_size), self.input_size,
        )  # fmt: skip

    def _seen(
        self, view: View, data_set: int, row: int
    ) -> tuple[Picture, Float64Array, Float32Array]:
        """The crop, keypoints (K, 2) and weights (K,) of a view of somebody."""
        cache = self.caches[data_set]
        crop = apply_view(np.asarray(cache.crops[row]), view, self.input_size)
        labels, labelled = cache.keypoints[row], cache.people.weights[row]
        return crop, *move_keypoints(view, self.skeleton, labels, labelled)

    def _paste(self, rng: np.random.Generator, crop: Picture) -> Picture:
        """Sometimes somebody else over the crop, who hides what is behind."""
        if rng.random() >= self.augmentation.paste_probability or not len(self.pastable):
            return crop
        data_set, row = rng.choice(self.pastable).tolist()
        view = self._draw_view(rng, data_set, row)
        (offset,) = draw_offsets(rng, self.input_size, 1)
        view = replace(view, matrix=move_content(view.matrix, offset))
        other, keypoints, weights = self._seen(view, data_set, row)
        mask = body_mask(keypoints, weights, self.skeleton, self.input_size)
        share = mask[..., None] / np.float32(255)
        return np.asarray(crop + share * (other.astype(np.float32) - crop), dtype=np.uint8)
