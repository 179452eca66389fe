"""The folded network in torch on the CPU."""

from __future__ import annotations

from pathlib import Path

import torch
from mpn_models.folded import fold
from mpn_models.network import channels_last
from mpn_models.registry import Model
from mpn_models.weights import load_weights

from mpn_cli.base.arrays import Float32Array, Picture
from mpn_cli.geometry.crops import normalise
from mpn_cli.networks.contract import Conventions


class TorchEstimator:
    """The folded network, channels-last and without gradients. Raises WeightsError."""

    def __init__(self, model: Model, weights: Path, threads: int | None) -> None:
        self.input_size = model.input_size
        self.joints = model.joints
        self.conventions = Conventions()
        if threads is not None:
            torch.set_num_threads(threads)
        network, _ = load_weights(weights, model)
        self._network = channels_last(fold(network))

    def heatmaps(self, crops: Picture) -> Float32Array:
        """Crops (N, H, W, 3) uint8 RGB -> heatmaps (N, K, h, w) float32."""
        with torch.inference_mode():
            result: Float32Array = self._network(torch.from_numpy(normalise(crops))).numpy()
        return result
