"""Table 1 of the paper as data, and the two ablations of its Table 6."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Activation(StrEnum):
    """The paper's abbreviations: RE is ReLU, HS is h-swish."""

    RE = "RE"
    HS = "HS"


@dataclass(frozen=True, slots=True)
class BottleneckRow:
    """One inverted residual ("bneck") of the encoder."""

    kernel: int
    expanded: int
    out: int
    squeeze_excite: bool
    activation: Activation
    stride: int


@dataclass(frozen=True, slots=True)
class UpsamplingRow:
    """One step of the decoder: a lightweight upsampling block (LPB) or, in the ablations,
    a plain transposed convolution. Both use a 4x4 kernel with stride 2 and padding 1.
    """

    lightweight: bool
    expanded: int
    out: int


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network: stem width, encoder rows, decoder rows."""

    stem: int
    encoder: tuple[BottleneckRow, ...]
    decoder: tuple[UpsamplingRow, ...]


_RE, _HS = Activation.RE, Activation.HS


def _encoder(stride_of_row_13: int) -> tuple[BottleneckRow, ...]:
    """MobileNetV3-Large's 15 bottlenecks; its own row 13 has stride 2, the paper's has 1."""
    return (
        BottleneckRow(3, 16, 16, False, _RE, 1),
        BottleneckRow(3, 64, 24, False, _RE, 2),
        BottleneckRow(3, 72, 24, False, _RE, 1),
        BottleneckRow(5, 72, 40, True, _RE, 2),
        BottleneckRow(5, 120, 40, True, _RE, 1),
        BottleneckRow(5, 120, 40, True, _RE, 1),
        BottleneckRow(3, 240, 80, False, _HS, 2),
        BottleneckRow(3, 200, 80, False, _HS, 1),
        BottleneckRow(3, 184, 80, False, _HS, 1),
        BottleneckRow(3, 184, 80, False, _HS, 1),
        BottleneckRow(3, 480, 112, True, _HS, 1),
        BottleneckRow(3, 672, 112, True, _HS, 1),
        BottleneckRow(5, 672, 160, True, _HS, stride_of_row_13),
        BottleneckRow(5, 960, 160, True, _HS, 1),
        BottleneckRow(5, 960, 160, True, _HS, 1),
    )


_LPB = UpsamplingRow(lightweight=True, expanded=320, out=160)
_DECONVOLUTION = UpsamplingRow(lightweight=False, expanded=160, out=160)

MOBILEPOSENET = Architecture(16, _encoder(1), (_LPB, _LPB))
"""The paper's network (Table 1)."""

ABLATION_V1 = Architecture(16, _encoder(2), (_DECONVOLUTION,) * 3)
"""Table 6, V1: encoder down to stride 32, three plain transposed convolutions."""

ABLATION_V2 = Architecture(16, _encoder(1), (_DECONVOLUTION,) * 2)
"""Table 6, V2: the paper's encoder, two plain transposed convolutions."""


DETECTOR_STRIDES = (8, 16, 32)
"""Pixels of the person detector's input per cell, on each of its levels."""


def squeeze_channels(expanded: int) -> int:
    """Width of a squeeze-excite's bottleneck for a block of ``expanded`` channels.

    MobileNetV3's own expanded/4 gives 3.06 M parameters; the paper's 1.5 M needs this.
    """
    return max(8, expanded // 64)
