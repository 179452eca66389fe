"""What every pose network offers, whatever computes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mpn_cli.base.arrays import BoolArray, Float32Array, Float64Array, Picture
from mpn_cli.base.stopwatch import Stopwatch
from mpn_cli.geometry.crops import PADDING
from mpn_cli.sources.reading import Decoded


@dataclass(frozen=True, slots=True)
class SimCC:
    """Joint positions as two 1-D distributions (Li et al. 2022, arXiv 2107.03332)."""

    x: Float32Array
    """(N, K, bins) over the crop's width."""
    y: Float32Array
    """(N, K, bins) over its height."""


@dataclass(frozen=True, slots=True)
class Conventions:
    """How a network's crops and heatmaps were laid out when it was trained."""

    unbiased: bool = True
    """Pixel and cell centres count from 0 to size - 1 (UDP); else a heatmap's cell c is the
    crop's pixel c times the stride, as in the code of SimpleBaseline, HRNet and MMPose."""
    shift_flipped: bool = False
    """The mirrored crop's heatmap is moved by one cell before averaging: what biased networks
    need, whose cell c comes back at w - c."""
    padding: float = PADDING
    """A crop's size over its box's."""


class Finder(Protocol):
    """Takes a shard's boxes, picture by picture, and gives all their poses."""

    def add(self, picture: Decoded, boxes: Float64Array, flipped: BoolArray) -> None:
        """The boxes (N, 4) of a picture, and which of them (N,) get the flip test."""
        ...

    def found(self) -> tuple[Float64Array, Float64Array]:
        """Keypoints (N, K, 2) in pixels and confidences (N, K) of all boxes, in their order."""
        ...


class PoseNetwork(Protocol):
    """A pose network as a shard uses it: boxes in, poses out, wherever it runs."""

    input_size: tuple[int, int]
    """(width, height) of a crop, pixels."""
    joints: int
    conventions: Conventions

    def finder(self, stopwatch: Stopwatch) -> Finder:
        """A shard's finder."""
        ...

    def reading_threads(self, threads: int | None) -> int:
        """How many pictures are decoded at once by a worker that has ``threads`` CPU threads."""
        ...


class Estimator(Protocol):
    """A pose network on the CPU, ready to run: crops in, heatmaps out. What plug-ins bring.

    ``mpn_cli.pipeline.poses`` does the rest: crops, full batches, flip test, decoding.
    """

    input_size: tuple[int, int]
    """(width, height) of a crop, pixels."""
    joints: int
    conventions: Conventions

    def heatmaps(self, crops: Picture) -> Float32Array | SimCC:
        """Crops (N, H, W, 3) uint8 RGB -> heatmaps (N, K, h, w) float32, or SimCC."""
        ...
