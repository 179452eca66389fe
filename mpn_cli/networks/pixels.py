"""The pixel format that networks expect: colour order, mean and standard deviation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mpn_cli.base.arrays import Float32Array, Picture
from mpn_cli.networks.onnx_names import OnnxName

Three = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Pixels:
    """(pixel - mean) / std, channel by channel in the network's own order."""

    colour: str
    """rgb or bgr."""
    mean: Three
    """Mean per channel, in pixel values of 0..255."""
    std: Three


PIXEL_KEYS = ("colour", "mean", "std")


def pixels_said(name: OnnxName, usual: Pixels) -> Pixels:
    """The pixel format given with a network's name, else ``usual``. Raises InputError."""
    mean, std = name.numbers("mean", usual.mean), name.numbers("std", usual.std)
    if 0 in std:
        raise name.error("std holds a 0")
    return Pixels(
        name.choice("colour", ("rgb", "bgr"), usual.colour),
        (mean[0], mean[1], mean[2]),
        (std[0], std[1], std[2]),
    )


def network_pixels(pictures: Picture, pixels: Pixels) -> Float32Array:
    """RGB pictures (N, H, W, 3) uint8 as the network's input (N, 3, H, W) float32."""
    ordered = pictures if pixels.colour == "rgb" else pictures[..., ::-1]
    mean, std = (np.asarray(values, dtype=np.float32) for values in (pixels.mean, pixels.std))
    scaled: Float32Array = (ordered.astype(np.float32) - mean) / std
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))
