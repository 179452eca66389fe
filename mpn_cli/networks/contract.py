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
    """(N, K, bins) over the crop's height."""


@dataclass(frozen=True, slots=True)
class Conventions:
    """How a network's crops and heatmaps were laid out when it was trained."""

    unbiased: bool = True
    """True: pixel and cell centres run from 0 to size - 1 (UDP). False: cell c of a heatmap is
    pixel c times the stride of the crop, as in the code of SimpleBaseline, HRNet and MMPose."""
    shift_flipped: bool = False
    """Whether the mirrored crop's heatmap is moved by one cell before averaging. Networks of the
    biased layout need it: mirroring moves their cell c to w - c."""
    padding: float = PADDING
    """A crop's size relative to its box."""


class Finder(Protocol):
    """Takes a shard's boxes, picture by picture, and returns the poses found in them."""

    def add(self, picture: Decoded, boxes: Float64Array, flipped: BoolArray) -> None:
        """Add the boxes (N, 4) of a picture; flipped: (N,) which of them get the flip test."""
        ...

    def found(self) -> tuple[Float64Array, Float64Array]:
        """Keypoints (N, K, 2) in pixels and confidences (N, K) of all boxes, in the order added."""
        ...


class PoseNetwork(Protocol):
    """A pose network as a shard uses it: boxes in, poses out, wherever it runs."""

    input_size: tuple[int, int]
    """(width, height) of a crop, pixels."""
    joints: int
    """Number of joints, K."""
    conventions: Conventions

    def finder(self, stopwatch: Stopwatch) -> Finder:
        """A new finder for one shard; stopwatch: takes the time of each stage."""
        ...

    def reading_threads(self, threads: int | None) -> int:
        """How many pictures a worker with ``threads`` CPU threads decodes at the same time."""
        ...


class Estimator(Protocol):
    """A pose network on the CPU, ready to run: crops in, heatmaps out. Plug-ins implement this.

    ``mpn_cli.pipeline.poses`` does the rest: crops, full batches, flip test, decoding.
    """

    input_size: tuple[int, int]
    """(width, height) of a crop, pixels."""
    joints: int
    conventions: Conventions

    def heatmaps(self, crops: Picture) -> Float32Array | SimCC:
        """Crops (N, H, W, 3) uint8 RGB -> heatmaps (N, K, h, w) float32, or SimCC."""
        ...
