"""The person detector: the pose network's encoder, two LPBs and a one-stage head at stride 8.

Every cell of the output says how surely a person's box has its centre there and how far the box
reaches from the cell to the left, top, right and bottom (Liu et al. 2020, "Training-Time-Friendly
Network for Real-Time Object Detection"; centres as in Zhou et al. 2019, "Objects as Points").
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

from models.architecture import DETECTOR, Activation, Architecture
from models.blocks import (
    LightweightUpsampling,
    activation_layer,
    bottlenecks,
    conv_norm,
)
from models.folded import PhasedBlock, fold_batch_norms
from models.network import initialise

_TAPS = (5, 11)
"""The encoder's last rows at strides 8 and 16."""

_USUAL_CENTRE = 0.02
"""Share of cells that the untrained network takes for centres: keeps the first steps calm."""

_USUAL_REACH = 4.0
"""Cells from a box's centre to its sides, untrained."""

_LARGEST_REACH = 128.0
"""Cells; keeps the exponential finite."""


class _Refine(nn.Sequential):
    """A depthwise 3x3 and a pointwise convolution, each with batch norm; h-swish."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            conv_norm(channels, channels, 3, groups=channels),
            conv_norm(channels, channels),
            activation_layer(Activation.HS),
        )


class PersonDetector(nn.Module):
    """Centre logits and box reaches from whole pictures."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.stem = conv_norm(3, architecture.stem, 3, stride=2)
        self.stem_act = activation_layer(Activation.HS)
        self.encoder = bottlenecks(architecture)
        channels = architecture.encoder[-1].out
        ups: list[nn.Module] = []
        sides: list[nn.Module] = []
        for step, tap in zip(architecture.decoder, reversed(_TAPS), strict=True):
            ups.append(LightweightUpsampling(channels, step))
            sides.append(conv_norm(architecture.encoder[tap].out, step.out))
            channels = step.out
        self.ups = nn.ModuleList(ups)
        self.sides = nn.ModuleList(sides)
        self.refine = nn.Sequential(_Refine(channels), _Refine(channels))
        self.centre = nn.Conv2d(channels, 1, 1)
        self.reach = nn.Conv2d(channels, 4, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) float32, normalised RGB -> (B, 5, H/8, W/8).

        Channel 0 is the centre's logit, 1 to 4 the reach to left, top, right, bottom, in cells.
        """
        x = self.stem_act(self.stem(pictures))
        kept: list[Tensor] = []
        for index, block in enumerate(self.encoder):
            x = block(x)
            if index in _TAPS:
                kept.append(x)
        for up, side in zip(self.ups, self.sides, strict=True):
            x = up(x) + side(kept.pop())
        x = self.refine(x)
        reach = self.reach(x).clamp(max=math.log(_LARGEST_REACH)).exp()
        return torch.cat([self.centre(x), reach], dim=1)


def build_detector() -> PersonDetector:
    """A detector with fresh weights, ready to be trained."""
    network = PersonDetector(DETECTOR)
    initialise(network)
    for layer, usual in (
        (network.centre, math.log(_USUAL_CENTRE / (1 - _USUAL_CENTRE))),
        (network.reach, math.log(_USUAL_REACH)),
    ):
        nn.init.normal_(layer.weight, 0.0, 0.001)
        assert layer.bias is not None
        nn.init.constant_(layer.bias, usual)
    return network


def fold_detector(network: PersonDetector) -> PersonDetector:
    """The inference form: batch norms folded, LPBs phase by phase (:mod:`models.folded`)."""
    inference = copy.deepcopy(network).eval()
    fold_batch_norms(inference)
    inference.ups = nn.ModuleList(
        PhasedBlock(up) for up in inference.ups if isinstance(up, LightweightUpsampling)
    )
    return inference.eval().requires_grad_(False)
