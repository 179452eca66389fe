"""What every runtime offers."""

from __future__ import annotations

from typing import Protocol

from mpn_cli.arrays import Float32Array, Picture


class Estimator(Protocol):
    """A pose network ready to run."""

    input_size: tuple[int, int]
    """(width, height) of a crop, pixels."""
    joints: int

    def heatmaps(self, crops: Picture) -> Float32Array:
        """Crops (N, H, W, 3) uint8 RGB -> heatmaps (N, K, h, w) float32."""
        ...
