"""Parameters and multiply-adds, counted by hooks on the layers that really run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Cost:
    """What a network costs for one crop."""

    parameters: int
    multiply_adds: int

    @property
    def giga(self) -> float:
        """Multiply-adds in units of 10^9."""
        return self.multiply_adds / 1e9

    @property
    def paper_gflops(self) -> float:
        """The paper's "GFLOPs": multiply-adds / 2^20 / 1000."""
        return self.multiply_adds / 2**20 / 1000


def count_cost(network: nn.Module, input_size: tuple[int, int]) -> Cost:
    """Count a network's parameters and its convolutions' multiply-adds.

    ``input_size`` is (width, height) in pixels. Bias, batch norm, activations and pooling are
    not counted, as in the paper.
    """
    total = 0

    def add_convolution(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
        # A transposed convolution does its kernel's work at each input cell, not output cell.
        transposed = isinstance(layer, nn.ConvTranspose2d)
        cells = inputs[0] if transposed else output
        channels = layer.out_channels if transposed else layer.in_channels
        total += cells.numel() * channels // layer.groups * math.prod(layer.kernel_size)

    hooks = [
        layer.register_forward_hook(add_convolution)
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    ]
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            network(torch.zeros(1, 3, input_size[1], input_size[0]))
    finally:
        for hook in hooks:
            hook.remove()
        network.train(training)
    return Cost(sum(parameter.numel() for parameter in network.parameters()), total)
