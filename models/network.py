"""MobilePoseNet: encoder, decoder and heatmap head, built from an architecture table."""

from __future__ import annotations

import math
from typing import TypeVar

import torch
from torch import Tensor, nn

from models.architecture import Activation, Architecture
from models.blocks import (
    Bottleneck,
    Deconvolution,
    LightweightUpsampling,
    activation_layer,
    bottlenecks,
    conv_norm,
)

_Network = TypeVar("_Network", bound=nn.Module)


class MobilePoseNet(nn.Module):
    """Heatmaps of K joints from person crops (paper, Table 1 and Fig. 2)."""

    def __init__(self, architecture: Architecture, joints: int) -> None:
        super().__init__()
        self.stem = conv_norm(3, architecture.stem, 3, stride=2)
        self.stem_act = activation_layer(Activation.HS)
        self.encoder = bottlenecks(architecture)
        channels = architecture.encoder[-1].out
        decoder: list[nn.Module] = []
        for step in architecture.decoder:
            block = LightweightUpsampling if step.lightweight else Deconvolution
            decoder.append(block(channels, step))
            channels = step.out
        self.decoder = nn.Sequential(*decoder)
        self.head = nn.Conv2d(channels, joints, 1)

    def forward(self, crops: Tensor) -> Tensor:
        """Crops (B, 3, H, W) float32, normalised RGB -> heatmaps (B, K, H/4, W/4)."""
        heatmaps: Tensor = self.head(self.decoder(self.encoder(self.stem_act(self.stem(crops)))))
        return heatmaps


def initialise(network: nn.Module) -> None:
    """Fresh weights, ready to be trained.

    Convolutions start from He et al. (2015), fan-out of one group; the last batch norm of each
    residual branch starts at 0, so that the branch starts as the identity (Goyal et al. 2017).
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            fan_out = module.out_channels * math.prod(module.kernel_size) // module.groups
            if isinstance(module, nn.ConvTranspose2d):
                fan_out //= math.prod(module.stride)
            nn.init.normal_(module.weight, 0.0, math.sqrt(2.0 / fan_out))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, Bottleneck) and module.residual:
            nn.init.zeros_(module.project.norm.weight)


def build_network(architecture: Architecture, joints: int) -> MobilePoseNet:
    """A network with fresh weights, ready to be trained."""
    network = MobilePoseNet(architecture, joints)
    initialise(network)
    nn.init.normal_(network.head.weight, 0.0, 0.001)
    return network


def channels_last(network: _Network) -> _Network:
    """The same network with its weights laid out channels-last, which is twice as fast on CPUs."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
