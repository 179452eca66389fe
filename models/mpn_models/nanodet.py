"""NanoDet-g with the person class only: the built-in person detector.

A one-stage, anchor-free detector: a plain CSP network, a pyramid of three levels (strides 8, 16
and 32) and a head on each. Every cell says how surely it shows a person, and how far the person's
box reaches from the cell's centre to the left, top, right and bottom, each distance as a
distribution over 11 bins (Li et al. 2020, "Generalized Focal Loss", arXiv 2006.04388).

The network is RangiLyu's (github.com/RangiLyu/nanodet); where its weights come from stands in
``weights/nanodet-g-person.md``.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from mpn_models.architecture import DETECTOR_STRIDES

BINS = 11
"""Distances of 0 to 10 cells."""

_PYRAMID = 128
"""Channels of the pyramid's levels."""


def _convolution(channels: int, out: int, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, out, kernel, stride, kernel // 2)


def _activated(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.1)


def _resized(x: Tensor, factor: float) -> Tensor:
    return functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


class _Halves(nn.Module):
    """Two convolutions of half the width each, one after the other; both outputs are kept."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels // 2)
        self.second = _convolution(channels // 2, channels // 2)

    def forward(self, x: Tensor) -> Tensor:
        first = _activated(self.first(x))
        return torch.cat([_activated(self.second(first)), first], dim=1)


class _Stage(nn.Module):
    """One resolution of the CSP network: its output has twice the ``width``."""

    def __init__(self, channels: int, width: int, blocks: int, stride: int) -> None:
        super().__init__()
        self.down = _convolution(channels, width, stride=stride)
        self.halves = nn.Sequential(*(_Halves(width) for _ in range(blocks)))
        self.out = _convolution(width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = _activated(self.down(x))
        return torch.cat([_activated(self.out(self.halves(x))), x], dim=1)


class NanoDetPerson(nn.Module):
    """Person scores and box distances from whole pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _convolution(3, 32, stride=2)
        self.stage1 = _Stage(32, 32, blocks=1, stride=1)
        self.stage2 = _Stage(64, 64, blocks=2, stride=2)
        self.stage3 = _Stage(128, 128, blocks=2, stride=2)
        self.stage4 = _Stage(256, 256, blocks=3, stride=2)
        self.sides = nn.ModuleList(_convolution(width, _PYRAMID, 1) for width in (128, 256, 512))
        self.towers = nn.ModuleList(_convolution(_PYRAMID, _PYRAMID) for _ in DETECTOR_STRIDES)
        self.heads = nn.ModuleList(
            _convolution(_PYRAMID, 1 + 4 * BINS, 1) for _ in DETECTOR_STRIDES
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) float32, normalised RGB, sides multiples of 32 -> (B, 5, N).

        N: the cells of all levels, from the finest to the coarsest, row by row. Channel 0 is the
        score in 0..1, 1 to 4 the distances to left, top, right and bottom, in cells.
        """
        levels = zip(self._pyramid(pictures), self.towers, self.heads, strict=True)
        found = [_distances(head(_activated(tower(level)))) for level, tower, head in levels]
        return torch.cat(found, dim=2)

    def _pyramid(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The levels: coarse ones are added to finer ones, then the other way round."""
        x = self.stage1(functional.max_pool2d(_activated(self.stem(pictures)), 3, 2, 1))
        sides = []
        for stage, side in zip((self.stage2, self.stage3, self.stage4), self.sides, strict=True):
            x = stage(x)
            sides.append(side(x))
        fine, middle, coarse = sides
        middle = middle + _resized(coarse, 2.0)
        fine = fine + _resized(middle, 2.0)
        middle = middle + _resized(fine, 0.5)
        return fine, middle, coarse + _resized(middle, 0.5)

    def convolutions(self) -> Iterator[nn.Conv2d]:
        """All convolutions in the order of the published graph, heads after towers."""
        yield self.stem
        for stage in (self.stage1, self.stage2, self.stage3, self.stage4):
            yield stage.down
            for halves in stage.halves:
                assert isinstance(halves, _Halves)
                yield from (halves.first, halves.second)
            yield stage.out
        for layers in (self.sides, self.towers, self.heads):
            for layer in layers:
                assert isinstance(layer, nn.Conv2d)
                yield layer


def _distances(output: Tensor) -> Tensor:
    """A head's output (B, 1 + 4 * 11, h, w) -> (B, 5, h * w): score, and expected distances."""
    cells = output.flatten(2)
    bins = cells[:, 1:].reshape(cells.shape[0], 4, BINS, -1).softmax(dim=2)
    values = torch.arange(BINS, dtype=output.dtype, device=output.device)
    expected = (bins * values[:, None]).sum(dim=2)
    return torch.cat([cells[:, :1].sigmoid(), expected], dim=1)
