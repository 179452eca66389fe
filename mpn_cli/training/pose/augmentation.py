"""What is drawn at random for a batch of crops: views, colours, cut-outs, who is pasted in.

Nothing is painted here: everything is numpy, comes from one generator and has a row per crop.
:mod:`mpn_cli.training.pose.painting` makes pixels of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mpn_cli.base.arrays import BoolArray, Float32Array, Float64Array, IntArray
from mpn_cli.base.skeletons import Skeleton
from mpn_cli.training.pose.cache import MARGIN, cached_size


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far and how often crops are altered."""

    rotation: float = 40.0
    """Largest rotation in degrees, in either direction."""
    rotation_probability: float = 0.6
    scale: float = 0.3
    """Scale is drawn from 1 - scale to 1 + scale."""
    shift: float = 0.05
    """Largest shift in either direction, relative to the crop's height."""
    flip_probability: float = 0.5
    half_body_probability: float = 0.3
    colour: float = 0.3
    """Largest change of brightness and contrast; each channel may change by a third of it more."""
    cut_out_probability: float = 0.3
    paste_probability: float = 0.0
    """Probability of pasting another person over the crop."""


_LIGHT = Augmentation(
    rotation=30.0,
    rotation_probability=0.4,
    scale=0.25,
    half_body_probability=0.12,
    colour=0.2,
    cut_out_probability=0.0,
)

AUGMENTATIONS = {
    "paper": Augmentation(
        rotation=45.0, scale=0.35, half_body_probability=0.3, cut_out_probability=0.3
    ),
    "light": _LIGHT,
    "crowd": replace(_LIGHT, paste_probability=0.25),
}
"""``paper``: the paper's ranges, with colour and cut-out; ``light`` learns faster in short runs;
``crowd`` is that with people pasted in."""

STILL = Augmentation(
    rotation=0.0,
    rotation_probability=0.0,
    scale=0.0,
    shift=0.0,
    flip_probability=0.0,
    half_body_probability=0.0,
    colour=0.0,
    cut_out_probability=0.0,
)
"""No alteration: crops as inference makes them."""

SMALLEST_HALF_BODY = 1.0
"""Pixels of the cached region: joints that are all labelled at one point have no extent."""

_PASTED_ACROSS = (0.35, 0.7)
"""How far to the left or right another person is pasted, relative to the crop's width."""

_PASTED_DOWN = 0.2
"""How far up or down at most, relative to the crop's height."""

HALF_BODY_MIN_JOINTS = 8
"""Half-body crops are made of people with at least this many labelled joints (paper's code)."""


@dataclass(frozen=True, slots=True)
class Views:
    """B similarities from crops to cached regions: rotation, scale, perhaps mirrored, shift."""

    matrices: Float64Array
    """(B, 2, 3) pixels of the crop -> pixels of the cached region."""
    mirrored: BoolArray
    """(B,)."""

    def shifted(self, offsets: Float64Array) -> Views:
        """The views whose content is moved by (B, 2) pixels of the crop."""
        matrices = self.matrices.copy()
        matrices[..., 2] -= (matrices[..., :2] @ offsets[..., None])[..., 0]
        return replace(self, matrices=matrices)

    def labels(
        self, skeleton: Skeleton, keypoints: Float64Array, weights: Float32Array
    ) -> tuple[Float64Array, Float32Array]:
        """What regions' labels are in the crops; left and right are swapped where mirrored.

        keypoints: (B, K, 2) pixels of the cached regions; weights: (B, K). Returns the same in
        pixels of the crops.
        """
        offsets = keypoints - self.matrices[:, None, :, 2]
        solved = np.linalg.solve(self.matrices[:, None, :, :2], offsets[..., None])
        moved = np.asarray(solved[..., 0], dtype=np.float64)
        swapped = list(skeleton.flip_permutation)
        moved[self.mirrored] = moved[self.mirrored][:, swapped]
        weights = weights.copy()
        weights[self.mirrored] = weights[self.mirrored][:, swapped]
        return moved, weights


def draw_views(
    rng: np.random.Generator,
    augmentation: Augmentation,
    skeleton: Skeleton,
    keypoints: Float64Array,
    weights: Float32Array,
    size: tuple[int, int],
) -> Views:
    """Draw a view for each of B people.

    keypoints: (B, K, 2) pixels of the cached regions; weights: (B, K), over 0 where labelled;
    size: (width, height) of the crops.
    """
    batch = len(keypoints)
    cached = cached_size(size)
    centres = np.tile((np.asarray(cached) - 1) / 2, (batch, 1))
    scales = np.full(batch, (cached[1] - 1) / (size[1] - 1) / MARGIN)
    half, half_centres, heights = _half_bodies(
        rng, augmentation, skeleton, keypoints, weights, size
    )
    centres[half] = half_centres[half]
    scales[half] = np.minimum(scales[half], heights[half] / (size[1] - 1))
    scales *= 1 + rng.uniform(-augmentation.scale, augmentation.scale, batch)
    shifts = rng.uniform(-augmentation.shift, augmentation.shift, (batch, 2))
    centres += shifts * (size[1] * scales)[:, None]
    rotated = rng.random(batch) < augmentation.rotation_probability
    degrees = rng.uniform(-augmentation.rotation, augmentation.rotation, batch) * rotated
    mirrored = rng.random(batch) < augmentation.flip_probability
    cosine, sine = scales * np.cos(np.radians(degrees)), scales * np.sin(np.radians(degrees))
    linear = np.stack([np.stack([cosine, -sine], 1), np.stack([sine, cosine], 1)], 1)
    linear[mirrored, :, 0] *= -1
    offsets = centres - linear @ ((np.asarray(size) - 1) / 2)
    return Views(np.concatenate([linear, offsets[..., None]], axis=2), mirrored)


def _half_bodies(
    rng: np.random.Generator,
    augmentation: Augmentation,
    skeleton: Skeleton,
    keypoints: Float64Array,
    weights: Float32Array,
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


@dataclass(frozen=True, slots=True)
class Colours:
    """Changes of a batch's colours: 128 + (level - 128) * contrast + 128 * brightness."""

    contrast: Float64Array
    """(B, 3) around 1, per channel."""
    brightness: Float64Array
    """(B, 3) around 0, per channel."""


def draw_colours(rng: np.random.Generator, augmentation: Augmentation, batch: int) -> Colours:
    """Contrast and brightness of each crop, and a third as much for each channel alone."""
    amount = augmentation.colour

    def drawn() -> Float64Array:
        whole = rng.uniform(-amount, amount, (batch, 1))
        return whole + rng.uniform(-amount / 3, amount / 3, (batch, 3))

    return Colours(1 + drawn(), drawn())


def draw_cut_outs(
    rng: np.random.Generator, augmentation: Augmentation, batch: int, size: tuple[int, int]
) -> IntArray:
    """(N, 5) row of the batch, left, top, right and bottom of rectangles (DeVries, Taylor 2017).

    Their sides are an eighth to a third of the crop's; size: (width, height).
    """
    rows = np.flatnonzero(rng.random(batch) < augmentation.cut_out_probability)
    sides = [rng.integers(side // 8, side // 3, len(rows)) for side in size]
    firsts = [rng.integers(0, side - sides[axis]) for axis, side in enumerate(size)]
    lasts = [first + side for first, side in zip(firsts, sides, strict=True)]
    return np.stack([rows, *firsts, *lasts], axis=1)


@dataclass(frozen=True, slots=True)
class Pasted:
    """People who are pasted over some crops of a batch."""

    over: IntArray
    """(P,) rows of the batch."""
    people: IntArray
    """(P,) who is pasted, of those who can be."""
    offsets: Float64Array
    """(P, 2) pixels by which they are moved from the crop's middle."""


def draw_pasted(
    rng: np.random.Generator,
    augmentation: Augmentation,
    pastable: IntArray,
    batch: int,
    size: tuple[int, int],
) -> Pasted:
    """Draw over which crops (width, height) who is pasted, and where."""
    over = np.flatnonzero(rng.random(batch) < augmentation.paste_probability)
    if not len(pastable):
        over = over[:0]
    count = len(over)
    people = pastable[rng.integers(0, max(1, len(pastable)), count)]
    across = rng.choice([-1, 1], count) * rng.uniform(*_PASTED_ACROSS, count)
    down = rng.uniform(-_PASTED_DOWN, _PASTED_DOWN, count)
    return Pasted(over, people, np.column_stack([across, down]) * size)
