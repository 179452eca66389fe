"""The building blocks: convolution with batch norm, squeeze-excite, bottleneck, LPB."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mpn_models.architecture import (
    Activation,
    Architecture,
    BottleneckRow,
    UpsamplingRow,
    squeeze_channels,
)


def activation_layer(kind: Activation) -> nn.Module:
    """ReLU or h-swish."""
    return nn.ReLU(inplace=True) if kind is Activation.RE else nn.Hardswish(inplace=True)


class ConvBatchNorm(nn.Sequential):
    """A bias-free convolution (or transposed convolution) followed by batch norm."""

    def __init__(self, conv: nn.Conv2d | nn.ConvTranspose2d) -> None:
        super().__init__()
        self.conv = conv
        self.norm = nn.BatchNorm2d(conv.out_channels)


class PointwiseConv(nn.Conv2d):
    """A bias-free 1x1 convolution, which training may compute in bfloat16."""

    in_bfloat16 = False
    """Whether training multiplies in bfloat16 (weights, sums and results stay float32)."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__(channels, out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out, H, W)."""
        if self.training and self.in_bfloat16:
            product = functional.conv2d(x.to(torch.bfloat16), self.weight.to(torch.bfloat16))
            return product.to(torch.float32)
        return super().forward(x)


BFLOAT16_CHANNELS = 40
"""Narrower 1x1 convolutions wait for memory, and rounding for bfloat16 only adds to that."""


def multiply_in_bfloat16(network: nn.Module) -> None:
    """Have training multiply a network's wide 1x1 convolutions in bfloat16.

    A quarter faster on CPUs with such instructions (AVX-512 BF16, AMX). All else stays float32:
    torch's CPU kernels for depthwise convolutions and batch norms are slower in bfloat16.
    """
    for module in network.modules():
        if isinstance(module, PointwiseConv):
            narrowest = min(module.in_channels, module.out_channels)
            module.in_bfloat16 = narrowest >= BFLOAT16_CHANNELS


def conv_norm(
    channels: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1
) -> ConvBatchNorm:
    """A "same"-padded convolution with batch norm."""
    if kernel == stride == groups == 1:
        return ConvBatchNorm(PointwiseConv(channels, out))
    return ConvBatchNorm(
        nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    )


def transposed_norm(channels: int, out: int, groups: int = 1) -> ConvBatchNorm:
    """A 4x4 transposed convolution, stride 2, padding 1, with batch norm: doubles the size."""
    return ConvBatchNorm(nn.ConvTranspose2d(channels, out, 4, 2, 1, groups=groups, bias=False))


class SqueezeExcite(nn.Module):
    """Channel attention a = hard-sigmoid(W2 ReLU(W1 mean(x))) (paper, eq. 4)."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.relu = nn.ReLU(inplace=True)
        self.expand = nn.Conv2d(squeezed, channels, 1)
        self.gate = nn.Hardsigmoid()

    def attention(self, mean: Tensor) -> Tensor:
        """Attention (B, C, 1, 1) from channel means (B, C, 1, 1)."""
        attention: Tensor = self.gate(self.expand(self.relu(self.reduce(mean))))
        return attention

    def forward(self, x: Tensor) -> Tensor:
        """Attention (B, C, 1, 1) of a feature map (B, C, H, W); the caller multiplies."""
        return self.attention(self.pool(x))


class Bottleneck(nn.Module):
    """MobileNetV3's inverted residual: expand, depthwise, squeeze-excite, project."""

    def __init__(self, channels: int, row: BottleneckRow) -> None:
        super().__init__()
        self.residual = row.stride == 1 and channels == row.out
        self.expand = conv_norm(channels, row.expanded) if row.expanded != channels else None
        self.expand_act = activation_layer(row.activation)
        self.depthwise = conv_norm(
            row.expanded, row.expanded, row.kernel, row.stride, groups=row.expanded
        )
        self.depthwise_act = activation_layer(row.activation)
        self.attention = (
            SqueezeExcite(row.expanded, squeeze_channels(row.expanded))
            if row.squeeze_excite
            else None
        )
        self.project = conv_norm(row.expanded, row.out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out, H / stride, W / stride)."""
        y = x if self.expand is None else self.expand_act(self.expand(x))
        y = self.depthwise_act(self.depthwise(y))
        if self.attention is not None:
            y = y * self.attention(y)
        projected: Tensor = self.project(y)
        return x + projected if self.residual else projected


def bottlenecks(architecture: Architecture) -> nn.Sequential:
    """The encoder's rows, from the stem's channels on."""
    channels = architecture.stem
    rows: list[nn.Module] = []
    for row in architecture.encoder:
        rows.append(Bottleneck(channels, row))
        channels = row.out
    return nn.Sequential(*rows)


class LightweightUpsampling(nn.Module):
    """LPB (paper, Fig. 3b, eqs. 3-5): Y = X' + X' * SE(X'), twice the input's size."""

    def __init__(self, channels: int, row: UpsamplingRow) -> None:
        super().__init__()
        self.expand = conv_norm(channels, row.expanded)
        self.expand_act = nn.ReLU(inplace=True)
        self.depthwise = transposed_norm(row.expanded, row.expanded, groups=row.expanded)
        self.depthwise_act = nn.ReLU(inplace=True)
        self.project = conv_norm(row.expanded, row.out)
        self.attention = SqueezeExcite(row.out, squeeze_channels(row.expanded))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out, 2H, 2W)."""
        upsampled = self.depthwise_act(self.depthwise(self.expand_act(self.expand(x))))
        projected = self.project(upsampled)
        attended: Tensor = projected + projected * self.attention(projected)
        return attended


class Deconvolution(nn.Sequential):
    """The ablations' decoder step: a plain transposed convolution, batch norm, ReLU."""

    def __init__(self, channels: int, row: UpsamplingRow) -> None:
        super().__init__(transposed_norm(channels, row.out), nn.ReLU(inplace=True))
