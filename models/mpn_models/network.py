"""MobilePoseNet: encoder, decoder and heatmap head, built from an architecture table."""

from __future__ import annotations

import math
from typing import TypeVar

import torch
from torch import Tensor, nn

from mpn_models.architecture import Activation, Architecture
from mpn_models.blocks import (
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
        self.joins_head = False
        """Whether training computes the last LPB and the head as one product (joined_head)."""

    def forward(self, crops: Tensor) -> Tensor:
        """Crops (B, 3, H, W) float32, normalised RGB -> heatmaps (B, K, H/4, W/4)."""
        features = self.encoder(self.stem_act(self.stem(crops)))
        if self.training and self.joins_head:
            last = self.decoder[-1]
            assert isinstance(last, LightweightUpsampling)
            return joined_head(last, self.head, self.decoder[:-1](features))
        heatmaps: Tensor = self.head(self.decoder(features))
        return heatmaps


def joined_head(block: LightweightUpsampling, head: nn.Conv2d, x: Tensor) -> Tensor:
    """Heatmaps (B, K, 2H, 2W) of the last LPB and the head from the LPB's input (B, C, H, W).

    The batch norm after the LPB's projection keeps its running statistics, so that all that comes
    after the depthwise step u is linear but for the attention a: with the projection W, b (batch
    norm included) and the head H, h, the heatmaps are H diag(1 + a) (W u + b) + h, one K x expanded
    product per crop. It saves a fifth of a training step.
    """
    norm = block.project.norm
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert head.bias is not None
    upsampled = block.depthwise_act(block.depthwise(block.expand_act(block.expand(x))))
    batch, expanded, height, width = upsampled.shape
    pixels = upsampled.permute(0, 2, 3, 1).reshape(batch, height * width, expanded)
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    project = _matrix(block.project.conv) * scale.unsqueeze(1)  # (out, expanded)
    bias = norm.bias - norm.running_mean * scale
    mean = pixels.mean(dim=1) @ project.T + bias
    gain = 1.0 + block.attention.attention(mean[:, :, None, None]).flatten(1)  # (B, out)
    weights = _matrix(head)  # (K, out)
    joined = (weights * gain.unsqueeze(1)) @ project  # (B, K, expanded)
    offset = (gain * bias) @ weights.T + head.bias  # (B, K)
    heatmaps = torch.baddbmm(offset.unsqueeze(1), pixels, joined.transpose(1, 2))
    return heatmaps.reshape(batch, height, width, -1).permute(0, 3, 1, 2)


def _matrix(conv: nn.Module) -> Tensor:
    """The weights of a 1x1 convolution as (out, in); their gradient is laid out channels-last."""
    assert isinstance(conv, nn.Conv2d)
    return conv.weight.permute(0, 2, 3, 1).reshape(conv.out_channels, conv.in_channels)


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
