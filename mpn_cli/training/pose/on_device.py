"""Crops kept on the device that trains, and altered there: the cores only draw numbers.

The same views as ``augmentation`` makes one by one, for a whole batch at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from mpn_cli.base.arrays import BoolArray, Float32Array, Float64Array, IntArray
from mpn_cli.base.skeletons import Skeleton
from mpn_cli.geometry.crops import PIXEL_MEAN, PIXEL_STD
from mpn_cli.geometry.decoding import heatmap_sigma
from mpn_cli.training.batches import Batches
from mpn_cli.training.pose.augmentation import (
    HALF_BODY_MIN_JOINTS,
    SMALLEST_HALF_BODY,
    Augmentation,
    move_content,
)
from mpn_cli.training.pose.cache import MARGIN, CropCache, cached_size
from mpn_cli.training.pose.pasting import body_mask, draw_offsets, pastable
from mpn_cli.training.pose.samples import PoseBatch

_GREY = 124.0
"""What a cut-out shows."""


class DeviceCrops(Batches[PoseBatch]):
    """The batches of a stage, made on ``device``; its memory holds all crops as uint8."""

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
        self.skeleton = skeleton
        self.augmentation = augmentation
        self.input_size = input_size
        self.device = device
        self.firsts = np.cumsum([0, *self.sizes])[:-1]
        others = pastable(caches)
        self.pastable = self.firsts[others[:, 0]] + others[:, 1]
        width, height = cached_size(input_size)
        self.crops = torch.empty(
            (sum(self.sizes), height, width, 3), dtype=torch.uint8, device=device
        )
        for first, cache in zip(self.firsts, caches, strict=True):
            for row in range(0, len(cache), 512):
                part = torch.from_numpy(np.array(cache.crops[row : row + 512]))
                self.crops[first + row : first + row + len(part)] = part.to(device)
        self.keypoints = np.concatenate([cache.keypoints for cache in caches])
        self.weights: Float32Array = np.concatenate([cache.people.weights for cache in caches])

    def make(self, step: int, rows: list[tuple[int, int]], first: int = 0) -> PoseBatch:
        """The batch of some rows; ``step`` seeds its augmentation."""
        rng = np.random.default_rng((self.seed, self.input_size[1], step))
        chosen = np.array([self.firsts[data_set] + row for data_set, row in rows])
        matrices, mirrored = self._draw_views(rng, chosen)
        moved, weights = self._moved(chosen, matrices, mirrored)
        pixels = self._warped(chosen, matrices)
        if self.augmentation.paste_probability:
            self._paste(rng, pixels)
        pixels = self._coloured(rng, pixels)
        self._cut_out(rng, pixels)
        heatmaps, inside = self._heatmaps(moved)
        return PoseBatch(_normalised(pixels), heatmaps, self._to(weights) * inside)

    def _draw_views(
        self, rng: np.random.Generator, chosen: IntArray
    ) -> tuple[Float64Array, BoolArray]:
        return draw_views(
            rng, self.augmentation, self.skeleton, self.keypoints[chosen], self.weights[chosen],
            self.input_size,
        )  # fmt: skip

    def _moved(
        self, chosen: IntArray, matrices: Float64Array, mirrored: BoolArray
    ) -> tuple[Float64Array, Float32Array]:
        """Keypoints (B, K, 2) and weights (B, K) in the views' cells, as ``move_keypoints``."""
        keypoints, weights = self.keypoints[chosen], self.weights[chosen]
        offsets = keypoints - matrices[:, None, :, 2]
        solved = np.linalg.solve(matrices[:, None, :, :2], offsets[..., None])
        moved = np.asarray(solved[..., 0], dtype=np.float64)
        order = list(self.skeleton.flip_permutation)
        moved[mirrored], weights[mirrored] = moved[mirrored][:, order], weights[mirrored][:, order]
        return moved, weights

    def _paste(self, rng: np.random.Generator, pixels: Tensor) -> None:
        """Somebody else over some of the crops, in place."""
        over = np.flatnonzero(rng.random(len(pixels)) < self.augmentation.paste_probability)
        if not len(over) or not len(self.pastable):
            return
        others = rng.choice(self.pastable, len(over))
        matrices, mirrored = self._draw_views(rng, others)
        offsets = draw_offsets(rng, self.input_size, len(over))
        matrices = move_content(matrices, offsets)
        masks = np.stack(
            [
                body_mask(keypoints, weights, self.skeleton, self.input_size)
                for keypoints, weights in zip(*self._moved(others, matrices, mirrored), strict=True)
            ]
        )
        rows = torch.from_numpy(over).to(self.device)
        shares = self._to(masks)[:, None] / 255
        pixels[rows] = torch.lerp(pixels[rows], self._warped(others, matrices), shares)

    def _to(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.asarray(values, dtype=np.float32)).to(
            self.device, non_blocking=True
        )

    def _warped(self, chosen: IntArray, matrices: Float64Array) -> Tensor:
        """(B, 3, H, W) float32 0..255, black outside the kept region."""
        width, height = self.input_size
        rows, columns = self.crops.shape[1:3]
        kept = self.crops[torch.from_numpy(chosen).to(self.device)].permute(0, 3, 1, 2).float()
        x = torch.arange(width, device=self.device, dtype=torch.float32)
        y = torch.arange(height, device=self.device, dtype=torch.float32)
        matrix = self._to(matrices)[:, None, None]
        cells = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)[None]
        places = (matrix[..., :2] @ cells[..., None])[..., 0] + matrix[..., 2]
        scale = torch.tensor([2 / (columns - 1), 2 / (rows - 1)], device=self.device)
        return grid_sample(kept, places * scale - 1, align_corners=True)

    def _coloured(self, rng: np.random.Generator, pixels: Tensor) -> Tensor:
        amount, batch = self.augmentation.colour, len(pixels)

        def drawn() -> np.ndarray:
            both = rng.uniform(-amount, amount, (batch, 1))
            return both + rng.uniform(-amount / 3, amount / 3, (batch, 3))

        contrast, brightness = (self._to(drawn())[..., None, None] for _ in range(2))
        levels = (pixels - 128) * (1 + contrast) + 128 + 128 * brightness
        return levels.clamp_(0, 255)

    def _cut_out(self, rng: np.random.Generator, pixels: Tensor) -> None:
        """Grey rectangles of up to a third of the crop's sides, in place."""
        width, height = self.input_size
        batch = len(pixels)
        high = rng.integers(height // 8, height // 3, batch)
        wide = rng.integers(width // 8, width // 3, batch)
        top = (rng.random(batch) * (height - high)).astype(int)
        left = (rng.random(batch) * (width - wide)).astype(int)
        wide[rng.random(batch) >= self.augmentation.cut_out_probability] = 0
        y = torch.arange(height, device=self.device)[None, :, None]
        x = torch.arange(width, device=self.device)[None, None, :]
        t, h, le, w = (self._to(values)[:, None, None] for values in (top, high, left, wide))
        inside = (y >= t) & (y < t + h) & (x >= le) & (x < le + w)
        pixels.masked_fill_(inside[:, None], _GREY)

    def _heatmaps(self, keypoints: Float64Array) -> tuple[Tensor, Tensor]:
        """As ``targets.gaussian_heatmaps``: (B, K, H/4, W/4), and whether joints are inside."""
        width, height = self.input_size[0] // 4, self.input_size[1] // 4
        size = np.array(self.input_size) - 1
        cells = self._to(keypoints * (np.array([width, height]) - 1) / size)
        x, y = cells[..., 0], cells[..., 1]
        factor = -0.5 / heatmap_sigma(height) ** 2
        columns = torch.arange(width, device=self.device)
        lines = torch.arange(height, device=self.device)
        along_x = torch.exp(factor * (columns - x[..., None]) ** 2)
        along_y = torch.exp(factor * (lines - y[..., None]) ** 2)
        inside = (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)
        return along_y[..., :, None] * along_x[..., None, :], inside.float()


def _normalised(pixels: Tensor) -> Tensor:
    mean = torch.tensor(PIXEL_MEAN, device=pixels.device)[:, None, None] * 255
    deviation = torch.tensor(PIXEL_STD, device=pixels.device)[:, None, None] * 255
    return ((pixels - mean) / deviation).contiguous(memory_format=torch.channels_last)


def draw_views(
    rng: np.random.Generator,
    augmentation: Augmentation,
    skeleton: Skeleton,
    keypoints: Float64Array,
    weights: np.ndarray,
    size: tuple[int, int],
) -> tuple[Float64Array, BoolArray]:
    """Views of a batch: (B, 2, 3) crop -> cached region, and (B,) whether each is mirrored.

    keypoints: (B, K, 2) in cached cells; weights: (B, K); size: (width, height) of the crop.
    """
    batch = len(keypoints)
    cached = cached_size(size)
    centre = np.tile((np.asarray(cached) - 1) / 2, (batch, 1))
    scale = np.full(batch, (cached[1] - 1) / (size[1] - 1) / MARGIN)
    half, centres, heights = _half_bodies(rng, augmentation, skeleton, keypoints, weights, size)
    centre[half] = centres[half]
    scale[half] = np.minimum(scale[half], heights[half] / (size[1] - 1))
    scale *= 1 + rng.uniform(-augmentation.scale, augmentation.scale, batch)
    shift = rng.uniform(-augmentation.shift, augmentation.shift, (batch, 2))
    centre += shift * (size[1] * scale)[:, None]
    turned = rng.random(batch) < augmentation.rotation_probability
    angle = np.radians(rng.uniform(-augmentation.rotation, augmentation.rotation, batch)) * turned
    mirrored = rng.random(batch) < augmentation.flip_probability
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.stack([np.stack([cosine, -sine], 1), np.stack([sine, cosine], 1)], 1)
    linear[mirrored, :, 0] *= -1
    offset = centre - linear @ ((np.asarray(size) - 1) / 2)
    return np.concatenate([linear, offset[..., None]], axis=2), mirrored


def _half_bodies(
    rng: np.random.Generator,
    augmentation: Augmentation,
    skeleton: Skeleton,
    keypoints: Float64Array,
    weights: np.ndarray,
    size: tuple[int, int],
) -> tuple[BoolArray, Float64Array, Float64Array]:
    """Which views show half a body; centres (B, 2) and heights (B,) of their regions."""
    batch, labelled = len(keypoints), weights > 0
    upper = np.array([joint in skeleton.upper_body for joint in range(skeleton.joints)])
    takes_upper = rng.random(batch) < 0.5
    chosen = labelled & np.where(takes_upper[:, None], upper, ~upper)
    half = (
        (rng.random(batch) < augmentation.half_body_probability)
        & (labelled.sum(axis=1) >= HALF_BODY_MIN_JOINTS)
        & (chosen.sum(axis=1) >= 3)
    )
    low = np.where(chosen[..., None], keypoints, np.inf).min(axis=1)
    high = np.where(chosen[..., None], keypoints, -np.inf).max(axis=1)
    low[~half], high[~half] = 0, 1
    extent = (high - low) * 1.5
    heights = np.maximum(extent[:, 1], extent[:, 0] * size[1] / size[0])
    return half, (low + high) / 2, np.maximum(heights, SMALLEST_HALF_BODY)
