"""What an exported network says about itself: the conventions that its user has to follow.

``mpn export`` writes this as one JSON text into each file: the ONNX property ``mpn``, OpenVINO's
``rt_info`` entry ``mpn/export``, TorchScript's extra file ``mpn.json``. An ONNX file with it is
taken by ``--model onnx:FILE`` without any key=value pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from mpn_models.registry import Model

from mpn_cli.base.choices import Decode
from mpn_cli.base.skeletons import SKELETONS
from mpn_cli.base.version import __version__
from mpn_cli.geometry.crops import HEATMAP_STRIDE, PADDING, PIXEL_MEAN, PIXEL_STD, heatmap_size
from mpn_cli.geometry.decoding import heatmap_sigma
from mpn_cli.networks.onnx_names import OnnxName
from mpn_cli.networks.pixels import Pixels, Three

FORMAT = "mpn-export/1"
"""Stands in every exported file; the number changes with the meaning of the fields."""

ONNX_PROPERTY = "mpn"
RT_INFO_PATH = ["mpn", "export"]
EXTRA_FILE = "mpn.json"

INPUT = "crops"
HEATMAPS = "heatmaps"
JOINTS = "joints"
CONFIDENCES = "confidences"


def times_255(values: tuple[float, ...]) -> Three:
    """Channel statistics of pixels in 0..1 as those of pixels in 0..255."""
    return (255 * values[0], 255 * values[1], 255 * values[2])


OWN_PIXELS = Pixels("rgb", times_255(PIXEL_MEAN), times_255(PIXEL_STD))
"""The pixel format of our own networks: ImageNet's statistics, RGB."""


class CropConventions(msgspec.Struct, frozen=True):
    """The input: float32 (N, 3, height, width), cut out of a picture around a person's box."""

    name: str
    width: int
    height: int
    colour: Literal["rgb", "bgr"]
    mean: Three
    """Per channel, of pixels in 0..255; input = (pixel - mean) / std."""
    std: Three
    padding: float
    """A crop's size relative to its box, after the box was widened to the input's aspect ratio."""
    aspect: str = "the box's shorter side is widened to width / height, about its centre"
    outside: str = "black"
    """What a crop shows where it reaches over the picture's edge."""
    interpolation: str = "bilinear"
    mapping: Literal["udp"] = "udp"
    """Pixel and cell centres run from 0 to size - 1 (Huang et al. 2020)."""


class OutputConventions(msgspec.Struct, frozen=True):
    """The output: heatmaps (N, K, height, width), or joints (N, K, 2) and confidences (N, K)."""

    names: tuple[str, ...]
    heatmap_width: int
    heatmap_height: int
    heatmap_stride: int
    heatmap_sigma: float
    """Standard deviation of a joint's Gaussian, cells."""
    decode: Decode
    """How positions are read off heatmaps; done already where the outputs are joints."""
    joint_units: str = "pixels of the crop: cell * (crop side - 1) / (heatmap side - 1)"


class JointConventions(msgspec.Struct, frozen=True):
    """The K joints."""

    names: tuple[str, ...]
    flip_pairs: tuple[tuple[int, int], ...]
    """Joints that change places in a mirrored crop, counted from 0."""
    limbs: tuple[tuple[int, int], ...]
    oks_sigmas: tuple[float, ...]


class ExportedConventions(msgspec.Struct, frozen=True):
    """All of it."""

    format: str
    mpn: str
    """The version that wrote the file."""
    model: str
    weights_sha256: str
    input: CropConventions
    output: OutputConventions
    joints: JointConventions

    @property
    def key_values(self) -> dict[str, str]:
        """What the user of ``--model onnx:`` would have to say, in its words."""
        size = f"{self.input.width}/{self.input.height}"
        return {
            "size": size,
            "padding": repr(self.input.padding),
            "layout": self.input.mapping,
            "shift": "no",
            "colour": self.input.colour,
            "mean": "/".join(map(repr, self.input.mean)),
            "std": "/".join(map(repr, self.input.std)),
        }


def conventions_of(model: Model, weights_sha256: str, *, decoded: bool) -> ExportedConventions:
    """The conventions of a network of ours; decoded: whether its file gives joints."""
    width, height = model.input_size
    columns, rows = heatmap_size(model.input_size)
    skeleton = SKELETONS[model.joints]
    mirrors = enumerate(skeleton.flip_permutation)
    return ExportedConventions(
        FORMAT,
        __version__,
        model.name,
        weights_sha256,
        CropConventions(INPUT, width, height, "rgb", OWN_PIXELS.mean, OWN_PIXELS.std, PADDING),
        OutputConventions(
            (JOINTS, CONFIDENCES) if decoded else (HEATMAPS,),
            columns,
            rows,
            HEATMAP_STRIDE,
            heatmap_sigma(rows),
            Decode.DARK,
        ),
        JointConventions(
            skeleton.keypoints,
            tuple((joint, mirror) for joint, mirror in mirrors if joint < mirror),
            skeleton.limbs,
            skeleton.sigmas,
        ),
    )


def with_exported(name: OnnxName, properties: Mapping[str, str]) -> OnnxName:
    """An ONNX file's name with what the file says about itself; what the user said comes first.

    properties: the file's own metadata. Raises InputError where mpn wrote the file but it can't be
    used: it is of a later format, or gives joints, from which no flip test can be made.
    """
    text = properties.get(ONNX_PROPERTY)
    if text is None:
        return name
    try:
        exported = msgspec.json.decode(text, type=ExportedConventions)
    except msgspec.DecodeError as error:
        raise name.error(f"its property {ONNX_PROPERTY} is not mpn export's: {error}") from None
    if exported.format != FORMAT:
        raise name.error(f"it was exported as {exported.format}; this version reads {FORMAT}")
    if exported.output.names != (HEATMAPS,):
        raise name.error("it gives joints, not heatmaps: export it without --with-decoding")
    return OnnxName(name.option, name.file, exported.key_values | name.said)
