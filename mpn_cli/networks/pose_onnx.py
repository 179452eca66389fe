"""Other people's pose networks: ``onnx:FILE``, with heatmaps or SimCC outputs."""

from __future__ import annotations

from dataclasses import dataclass

from mpn_cli.base.arrays import Float32Array, Picture
from mpn_cli.base.skeletons import SKELETONS
from mpn_cli.geometry.crops import PADDING
from mpn_cli.networks.contract import Conventions, SimCC
from mpn_cli.networks.exported import OWN_PIXELS, with_exported
from mpn_cli.networks.onnx_files import OnnxFile
from mpn_cli.networks.onnx_names import OnnxName
from mpn_cli.networks.pixels import PIXEL_KEYS, Pixels, network_pixels, pixels_said

USUAL_SIZE = (192, 256)
"""Input size (width, height) if the file leaves it open."""


@dataclass(frozen=True, slots=True)
class PoseLayout:
    """The crops that an ONNX file expects, and the form of its output."""

    input_size: tuple[int, int]
    """(width, height), pixels."""
    joints: int
    x_first: bool | None
    """Whether the first of SimCC's two outputs is the one over x; None for heatmaps."""
    pixels: Pixels
    conventions: Conventions

    @classmethod
    def of(cls, file: OnnxFile) -> PoseLayout:
        """Derive the layout from the file's shapes, its properties and the user's key=value pairs.

        Nothing is run. Raises InputError for a file that is no pose network, and for unknown keys
        or values.
        """
        name = with_exported(file.name, file.properties)
        name.only("size", "padding", "layout", "shift", *PIXEL_KEYS)
        usual = name.numbers("size", (float(USUAL_SIZE[0]), float(USUAL_SIZE[1])))
        input_size = file.input_size((int(usual[0]), int(usual[1])))
        x_first, joints = _outputs(file, input_size)
        unbiased = name.choice("layout", ("biased", "udp"), "biased") == "udp"
        unshifted = unbiased or x_first is not None
        shift = name.choice("shift", ("yes", "no"), "no" if unshifted else "yes") == "yes"
        conventions = Conventions(unbiased, shift, name.number("padding", PADDING))
        return cls(input_size, joints, x_first, pixels_said(name, OWN_PIXELS), conventions)


def _outputs(file: OnnxFile, input_size: tuple[int, int]) -> tuple[bool | None, int]:
    """Whether SimCC's first output is the one over x (None: heatmaps), and the number of joints."""
    outputs, error = file.output_shapes, file.name.error
    if len(outputs) == 1 and len(outputs[0]) == 4:
        x_first = None
    elif len(outputs) == 2 and all(len(shape) == 3 for shape in outputs):
        first, second = (shape[2] for shape in outputs)
        width, height = input_size
        # Both outputs have the same number of bins per pixel of the crop.
        x_first = first * height == second * width
        if not x_first and second * height != first * width:
            raise error(f"its outputs {outputs} don't go with a {width}x{height} input")
    else:
        raise error(
            f"its outputs {outputs} are neither heatmaps (N, K, h, w) nor SimCC's two (N, K, bins)"
        )
    joints = outputs[0][1]
    if joints not in SKELETONS:
        known = ", ".join(map(str, SKELETONS))
        raise error(f"it has {joints} joints; joint sets of {known} are known")
    return x_first, joints


class OnnxEstimator:
    """A pose network from an ONNX file.

    One output (N, K, h, w) is taken as heatmaps (SimpleBaseline, HRNet, Lite-HRNet and similar
    networks), two outputs (N, K, bins) as SimCC (RTMPose). The keys that the user can set are size
    (width/height), padding, layout (biased or udp), shift (yes or no), colour, mean and std; files
    of ``mpn export`` hold them themselves.
    threads: CPU threads, all cores if None. Raises InputError.
    """

    def __init__(self, name: OnnxName, threads: int | None) -> None:
        file = OnnxFile(name)
        self._layout = PoseLayout.of(file)
        self.input_size = self._layout.input_size
        self.joints = self._layout.joints
        self.conventions = self._layout.conventions
        self._session = file.compiled(threads)

    def heatmaps(self, crops: Picture) -> Float32Array | SimCC:
        """Crops (N, H, W, 3) uint8 RGB -> heatmaps (N, K, h, w) float32, or SimCC."""
        outputs = self._session(network_pixels(crops, self._layout.pixels))
        if self._layout.x_first is None:
            return outputs[0]
        x, y = outputs if self._layout.x_first else reversed(outputs)
        return SimCC(x, y)
