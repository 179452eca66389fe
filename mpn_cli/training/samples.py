"""Batches in an order fixed by the seed, made ahead of the step in a thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from mpn_cli.arrays import Float32Array
from mpn_cli.pipeline.crops import normalise
from mpn_cli.skeletons import Skeleton
from mpn_cli.training.augmentation import (
    Augmentation,
    apply_view,
    change_colour,
    cut_out,
    draw_view,
    move_keypoints,
)
from mpn_cli.training.cache import CropCache, cached_size
from mpn_cli.training.targets import gaussian_heatmaps


@dataclass(frozen=True, slots=True)
class Batch:
    """What one training step takes."""

    crops: Float32Array
    """(B, 3, H, W) normalised RGB."""
    heatmaps: Float32Array
    """(B, K, H/4, W/4)."""
    weights: Float32Array
    """(B, K)."""


def epoch_order(
    sizes: Sequence[int], mix: Sequence[float], seed: int, epoch: int
) -> list[tuple[int, int]]:
    """(data set, row) for each of the epoch's sum(sizes) samples, shuffled.

    A data set is gone through whole before any of its people comes twice.
    """
    total = sum(sizes)
    shares = np.array([size * weight for size, weight in zip(sizes, mix, strict=True)])
    edges = np.round(np.cumsum(shares) / shares.sum() * total).astype(int)
    counts = np.diff(edges, prepend=0)
    order: list[tuple[int, int]] = []
    for data_set, (size, count) in enumerate(zip(sizes, counts, strict=True)):
        rng = np.random.default_rng((seed, epoch, data_set))
        rounds = max(1, -(-count // size))
        rows = np.concatenate([rng.permutation(size) for _ in range(rounds)])[:count]
        order.extend((data_set, int(row)) for row in rows)
    shuffled = np.random.default_rng((seed, epoch, len(sizes))).permutation(total)
    return [order[i] for i in shuffled]


class BatchMaker:
    """Makes the batches of a stage; batch n is the same however the run was interrupted."""

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
        self.caches = caches
        self.mix = mix
        self.skeleton = skeleton
        self.augmentation = augmentation
        self.input_size = input_size
        self.batch = batch
        self.seed = seed
        self.steps_per_epoch = sum(len(cache) for cache in caches) // batch
        self._order: tuple[int, list[tuple[int, int]]] | None = None

    def rows_of_step(self, step: int) -> list[tuple[int, int]]:
        """(data set, row) of the samples of the stage's batch ``step``."""
        epoch, within = divmod(step, self.steps_per_epoch)
        if self._order is None or self._order[0] != epoch:
            sizes = [len(cache) for cache in self.caches]
            self._order = epoch, epoch_order(sizes, self.mix, self.seed, epoch)
        return self._order[1][within * self.batch : (within + 1) * self.batch]

    def make(self, step: int, rows: Sequence[tuple[int, int]]) -> Batch:
        """The batch of some rows; ``step`` seeds its augmentation."""
        width, height = self.input_size
        joints = self.skeleton.joints
        crops = np.empty((len(rows), height, width, 3), dtype=np.uint8)
        keypoints = np.empty((len(rows), joints, 2))
        weights = np.empty((len(rows), joints), dtype=np.float32)
        cached = cached_size(self.input_size)
        for i, (data_set, row) in enumerate(rows):
            cache = self.caches[data_set]
            rng = np.random.default_rng((self.seed, height, step, i))
            labels, labelled = cache.keypoints[row], cache.people.weights[row]
            view = draw_view(
                rng, self.augmentation, self.skeleton, labels, labelled, cached, self.input_size
            )
            crop = apply_view(np.asarray(cache.crops[row]), view, self.input_size)
            crop = change_colour(rng, self.augmentation, crop)
            crops[i] = cut_out(rng, self.augmentation, crop)
            keypoints[i], weights[i] = move_keypoints(view, self.skeleton, labels, labelled)
        heatmap_size = (width // 4, height // 4)
        in_cells = keypoints * ((np.asarray(heatmap_size) - 1) / (np.array([width, height]) - 1))
        heatmaps, weights = gaussian_heatmaps(in_cells, weights, heatmap_size)
        return Batch(normalise(crops), heatmaps, weights)

    def batches(self, first: int, last: int, ahead: int = 3) -> Iterator[Batch]:
        """Batches ``first`` to ``last`` - 1, the next ``ahead`` of them made in advance."""
        with ThreadPoolExecutor(1) as pool:
            waiting: list[Future[Batch]] = []
            for step in range(first, last + ahead):
                if step < last:
                    waiting.append(pool.submit(self.make, step, self.rows_of_step(step)))
                if step >= first + ahead:
                    yield waiting.pop(0).result()
