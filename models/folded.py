"""The inference form of a trained network: exactly equal, a quarter fewer multiply-adds.

Every batch norm is folded into the convolution before it. In the last LPB everything after the
depthwise step is linear but the attention, and global average pooling commutes with a 1x1
convolution, so with u the depthwise step's output, W, b the folded projection and H, h the head:

    a        = SE(W mean(u) + b)
    heatmaps = (H diag(1 + a) W) u + H diag(1 + a) b + h

One K x 320 product a crop replaces 320 -> 160 -> K, and the 160-channel map at heatmap size is
never made.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.blocks import ConvBatchNorm, LightweightUpsampling
from models.network import MobilePoseNet


def _fold_batch_norms(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, ConvBatchNorm):
            if isinstance(child.conv, nn.ConvTranspose2d) and child.conv.groups > 1:
                setattr(module, name, _fold_depthwise_transposed(child.conv, child.norm))
            else:
                transposed = isinstance(child.conv, nn.ConvTranspose2d)
                setattr(module, name, fuse_conv_bn_eval(child.conv, child.norm, transposed))
        else:
            _fold_batch_norms(child)


def _fold_depthwise_transposed(conv: nn.ConvTranspose2d, norm: nn.BatchNorm2d) -> nn.Module:
    """Torch's own fusion scales the wrong axis of a grouped transposed convolution."""
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    folded = nn.ConvTranspose2d(
        conv.in_channels, conv.out_channels, 4, 2, 1, groups=conv.groups, bias=True
    )
    assert folded.bias is not None
    with torch.no_grad():
        folded.weight.copy_(conv.weight * scale.reshape(-1, 1, 1, 1))
        folded.bias.copy_(norm.bias - norm.running_mean * scale)
    return folded


class JoinedHead(nn.Module):
    """The last LPB and the head as one matrix product a crop (see the module's docstring)."""

    def __init__(self, block: LightweightUpsampling, head: nn.Conv2d) -> None:
        super().__init__()
        assert isinstance(block.project, nn.Conv2d)  # its batch norm is folded in
        assert block.project.bias is not None
        assert head.bias is not None
        self.block = block
        self.head = head
        self.project = block.project
        self.project_bias = block.project.bias
        self.head_bias = head.bias

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> heatmaps (B, K, 2H, 2W)."""
        upsampled = self.block.upsample(x)
        batch, channels, height, width = upsampled.shape
        mean = self.project(upsampled.mean(dim=(2, 3), keepdim=True))
        gain = 1.0 + self.block.attention.attention(mean).flatten(1)  # (B, C')
        weighted = self.head.weight.flatten(1) * gain.unsqueeze(1)  # (B, K, C')
        joined = weighted @ self.project.weight.flatten(1)  # (B, K, expanded)
        bias = weighted @ self.project_bias.unsqueeze(1) + self.head_bias.unsqueeze(1)  # (B, K, 1)
        heatmaps: Tensor = joined @ upsampled.reshape(batch, channels, -1) + bias
        return heatmaps.reshape(batch, -1, height, width)


class FoldedPoseNet(nn.Module):
    """Inference only: made by :func:`fold`, not built."""

    def __init__(self, network: MobilePoseNet) -> None:
        super().__init__()
        self.stem = nn.Sequential(network.stem, network.stem_act)
        self.encoder = network.encoder
        last = network.decoder[-1]
        if isinstance(last, LightweightUpsampling):
            self.decoder = network.decoder[:-1]
            self.head: nn.Module = JoinedHead(last, network.head)
        else:
            self.decoder = network.decoder
            self.head = network.head

    def forward(self, crops: Tensor) -> Tensor:
        """Crops (B, 3, H, W) float32, normalised RGB -> heatmaps (B, K, H/4, W/4)."""
        heatmaps: Tensor = self.head(self.decoder(self.encoder(self.stem(crops))))
        return heatmaps


def fold(network: MobilePoseNet) -> FoldedPoseNet:
    """The inference form of ``network``, which stays as it is. In evaluation mode, no gradients."""
    inference = copy.deepcopy(network).eval()
    _fold_batch_norms(inference)
    return FoldedPoseNet(inference).eval().requires_grad_(False)
