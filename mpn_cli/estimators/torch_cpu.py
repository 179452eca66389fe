"""The folded network in torch on the CPU."""

from __future__ import annotations

import torch

from models.folded import fold
from models.network import MobilePoseNet, channels_last
from mpn_cli.arrays import Float32Array, Picture
from mpn_cli.pipeline.crops import normalise


class TorchEstimator:
    """Channels-last, folded, without gradients."""

    def __init__(self, network: MobilePoseNet, input_size: tuple[int, int]) -> None:
        self.input_size = input_size
        self.joints = network.head.out_channels
        self._network = channels_last(fold(network))

    def heatmaps(self, crops: Picture) -> Float32Array:
        """Crops (N, H, W, 3) uint8 RGB -> heatmaps (N, K, h, w) float32."""
        with torch.inference_mode():
            result: Float32Array = self._network(torch.from_numpy(normalise(crops))).numpy()
        return result
