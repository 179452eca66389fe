"""Batches of augmented crops with their heatmap targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mpn_cli.base.arrays import Float32Array, Float64Array, IntArray, Picture
from mpn_cli.base.skeletons import Skeleton
from mpn_cli.training.batches import Batches
from mpn_cli.training.pose import painting
from mpn_cli.training.pose.augmentation import (
    Augmentation,
    Views,
    draw_colours,
    draw_cut_outs,
    draw_pasted,
    draw_views,
)
from mpn_cli.training.pose.cache import CropCache
from mpn_cli.training.pose.pasting import body_mask, pastable


@dataclass(frozen=True, slots=True)
class CropBatch:
    """What one training step takes."""

    crops: Tensor
    """(B, 3, H, W) float32, normalised RGB."""
    heatmaps: Tensor
    """(B, K, H/4, W/4)."""
    weights: Tensor
    """(B, K)."""


_MAKERS = 3
"""Threads that make batches for a GPU, which trains faster than one thread draws outlines."""

_MEMORY_SHARE = 0.5
"""Of a GPU's free memory, what the crops may take of it."""

_COPIED_AT_ONCE = 1024
"""Crops."""


def keep_on(device: torch.device, caches: Sequence[CropCache]) -> Tensor | None:
    """All regions (N, h, w, 3) of the caches in a GPU's memory; None where they don't fit.

    None on a CPU as well: there the caches' files are read where they lie.
    """
    size = sum(cache.crops.nbytes for cache in caches)
    if device.type != "cuda" or size > _MEMORY_SHARE * torch.cuda.mem_get_info(device)[0]:
        return None
    return copy_of(caches, device)


def copy_of(caches: Sequence[CropCache], device: torch.device) -> Tensor:
    """All regions (N, h, w, 3) of the caches, one after the other, on a device."""
    count = sum(map(len, caches))
    whole = torch.empty((count, *caches[0].crops.shape[1:]), dtype=torch.uint8, device=device)
    first = 0
    for cache in caches:
        for start in range(0, len(cache), _COPIED_AT_ONCE):
            some = np.array(cache.crops[start : start + _COPIED_AT_ONCE])
            whole[first : first + len(some)] = torch.from_numpy(some).to(device)
            first += len(some)
    return whole


class CropBatches(Batches[CropBatch]):
    """The batches of a stage, painted on ``device`` from the regions that the caches hold."""

    def __init__(
        self,
        caches: Sequence[CropCache],
        mix: Sequence[float],
        skeleton: Skeleton,
        augmentation: Augmentation,
        input_size: tuple[int, int],
        batch: int,
        seed: int,
        device: torch.device,
    ) -> None:
        super().__init__([len(cache) for cache in caches], mix, batch, seed)
        self.caches = caches
        self.skeleton = skeleton
        self.augmentation = augmentation
        self.input_size = input_size
        self.device = device
        self._firsts = np.cumsum([0, *self.sizes])[:-1]
        """Where each data set's people begin among all people."""
        self._keypoints: Float64Array = np.concatenate([cache.keypoints for cache in caches])
        self._weights: Float32Array = np.concatenate([cache.people.weights for cache in caches])
        self._pastable = pastable(self._weights)
        self._on_device = keep_on(device, caches)
        if device.type == "cuda":
            self.makers = _MAKERS

    def make(self, step: int, rows: list[tuple[int, int]], first: int = 0) -> CropBatch:
        """The batch of some (data set, row); ``step`` and ``first`` seed its augmentation."""
        rng = np.random.default_rng((self.seed, *self.input_size, step, first))
        people = np.array([self._firsts[data_set] + row for data_set, row in rows])
        views = self._views(rng, people)
        crops = self._seen(people, views)
        if self.augmentation.paste_probability:
            self._paste(rng, crops)
        crops = painting.change_colours(crops, draw_colours(rng, self.augmentation, len(crops)))
        painting.cut_out(crops, draw_cut_outs(rng, self.augmentation, len(crops), self.input_size))
        keypoints, weights = (
            painting.to_device(values, self.device) for values in self._labels(people, views)
        )
        return CropBatch(
            painting.normalise(crops),
            *painting.gaussian_heatmaps(keypoints, weights, self.input_size),
        )

    def _views(self, rng: np.random.Generator, people: IntArray) -> Views:
        return draw_views(
            rng,
            self.augmentation,
            self.skeleton,
            self._keypoints[people],
            self._weights[people],
            self.input_size,
        )

    def _labels(self, people: IntArray, views: Views) -> tuple[Float64Array, Float32Array]:
        return views.labels(self.skeleton, self._keypoints[people], self._weights[people])

    def _seen(self, people: IntArray, views: Views) -> Tensor:
        """(B, 3, H, W) what the views show of people, levels 0 to 255."""
        if self._on_device is not None:
            regions = self._on_device[torch.from_numpy(people).to(self.device)]
        else:
            regions = torch.from_numpy(self._from_caches(people)).to(self.device)
        return painting.warp(regions, views.matrices, self.input_size)

    def _from_caches(self, people: IntArray) -> Picture:
        data_sets = np.searchsorted(self._firsts, people, side="right") - 1
        return np.stack(
            [
                self.caches[data_set].crops[row]
                for data_set, row in zip(data_sets, people - self._firsts[data_sets], strict=True)
            ]
        )

    def _paste(self, rng: np.random.Generator, crops: Tensor) -> None:
        """Other people over some of the crops, in place."""
        pasted = draw_pasted(rng, self.augmentation, self._pastable, len(crops), self.input_size)
        if not len(pasted.over):
            return
        views = self._views(rng, pasted.people).shifted(pasted.offsets)
        masks = np.stack(
            [
                body_mask(keypoints, weights, self.skeleton, self.input_size)
                for keypoints, weights in zip(*self._labels(pasted.people, views), strict=True)
            ]
        )
        painting.paste(crops, pasted.over, self._seen(pasted.people, views), masks)
