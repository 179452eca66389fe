"""Other people's detectors: ``onnx:FILE`` of the families in :data:`FAMILIES`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from mpn_cli.base.arrays import Float32Array, Float64Array, Picture
from mpn_cli.geometry.boxes import SCORE_FLOOR, clip_boxes, letterbox
from mpn_cli.networks.onnx_files import OnnxFile, Shape
from mpn_cli.networks.onnx_names import OnnxName
from mpn_cli.networks.pixels import PIXEL_KEYS, Pixels, network_pixels, pixels_said

PERSON_CLASS = 0
"""COCO's first class, in every family's usual export."""

Size = tuple[int, int]
"""Width and height of an input, pixels."""

Found = tuple[Float64Array, Float64Array]
"""Boxes (N, 4) x, y, width, height in input pixels, and scores (N,)."""


@dataclass(frozen=True, slots=True)
class Family:
    """The input that a family of detectors expects, and how its output is decoded."""

    pixels: Pixels
    stretched: bool
    """True: pictures are stretched to the input; False: scaled, and padded right and below."""
    padding: int
    recognise: Callable[[list[Shape], Size], bool]
    """Whether output shapes and an input's (width, height) are those of the family."""
    decode: Callable[[list[Float32Array], Size, int], Found]
    """Boxes from the outputs for one picture, the input's (width, height) and the person class."""


@lru_cache(maxsize=8)
def _cells(size: Size, strides: tuple[int, ...]) -> Float64Array:
    """(N, 3) column, row and stride of all grid cells, as the networks list them."""
    grids = []
    for stride in strides:
        rows, columns = np.mgrid[: -(-size[1] // stride), : -(-size[0] // stride)]
        all_cells = np.stack([columns, rows, np.full_like(rows, stride)], axis=-1)
        grids.append(all_cells.reshape(-1, 3))
    return np.concatenate(grids).astype(np.float64)


def _lists_cells(strides: tuple[int, ...], axis: int) -> Callable[[list[Shape], Size], bool]:
    """Recognises one 3-D output with one entry per cell along ``axis``."""

    def recognise(outputs: list[Shape], size: Size) -> bool:
        cells = len(_cells(size, strides))
        return len(outputs) == 1 and len(outputs[0]) == 3 and outputs[0][axis] == cells

    return recognise


def _from_centres(centres: Float64Array, sizes: Float64Array) -> Float64Array:
    return np.concatenate([centres - sizes / 2, sizes], axis=1)


_YOLOX_STRIDES = (8, 16, 32)


def _yolox(outputs: list[Float32Array], size: Size, person: int) -> Found:
    """YOLOX (Ge et al. 2021): (1, N, 5 + C), with or without the grid decoded."""
    rows = outputs[0][0].astype(np.float64)
    cells = _cells(size, _YOLOX_STRIDES)
    scores = rows[:, 4] * rows[:, 5 + person]
    centres = (cells[:, :2] + 0.5) * cells[:, 2:]
    # Decoded centres lie near their cells; raw ones are offsets of a few cells around 0.
    decoded = np.median(np.abs(rows[:, :2] - centres)) < np.median(np.abs(centres)) / 2
    if decoded:
        return _from_centres(rows[:, :2], rows[:, 2:4]), scores
    stride = cells[:, 2:]
    return _from_centres(
        (rows[:, :2] + cells[:, :2]) * stride, np.exp(rows[:, 2:4]) * stride
    ), scores


def _yolov8(outputs: list[Float32Array], size: Size, person: int) -> Found:
    """YOLOv8, v9, v11: (1, 4 + C, N), centres and sizes in input pixels."""
    rows = outputs[0][0].astype(np.float64)
    return _from_centres(rows[:2].T, rows[2:4].T), rows[4 + person]


_NANODET_STRIDES = (8, 16, 32, 64)
_NANODET_BINS = 8


def _nanodet(outputs: list[Float32Array], size: Size, person: int) -> Found:
    """NanoDet-Plus: (1, N, C + 4 * 8): class scores, then a distribution for each side."""
    rows = outputs[0][0].astype(np.float64)
    cells = _cells(size, _NANODET_STRIDES)
    sides = rows[:, -4 * _NANODET_BINS :].reshape(-1, 4, _NANODET_BINS)
    shares = np.exp(sides - sides.max(axis=2, keepdims=True))
    shares /= shares.sum(axis=2, keepdims=True)
    reach = (shares @ np.arange(_NANODET_BINS)) * cells[:, 2:]
    corner = cells[:, :2] * cells[:, 2:] - reach[:, :2]
    return np.concatenate([corner, reach[:, :2] + reach[:, 2:]], axis=1), rows[:, person]


def _is_fastestdet(outputs: list[Shape], size: Size) -> bool:
    return len(outputs) == 1 and len(outputs[0]) == 4 and outputs[0][1] > 5


def _fastestdet(outputs: list[Float32Array], size: Size, person: int) -> Found:
    """FastestDet: (1, 5 + C, h, w): objectness, offset, size, class scores of each cell."""
    grid = outputs[0][0].astype(np.float64)
    _, height, width = grid.shape
    rows, columns = np.mgrid[:height, :width]
    scores = grid[0] ** 0.6 * grid[5 + person] ** 0.4
    x = (columns + np.tanh(grid[1])) / width * size[0]
    y = (rows + np.tanh(grid[2])) / height * size[1]
    wide, high = (1 / (1 + np.exp(-grid[i])) * side for i, side in ((3, size[0]), (4, size[1])))
    centres = np.stack([x.ravel(), y.ravel()], axis=1)
    return _from_centres(centres, np.stack([wide.ravel(), high.ravel()], axis=1)), scores.ravel()


_RAW_BGR = Pixels("bgr", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
_UNIT_BGR = Pixels("bgr", (0.0, 0.0, 0.0), (255.0, 255.0, 255.0))
_UNIT_RGB = Pixels("rgb", (0.0, 0.0, 0.0), (255.0, 255.0, 255.0))
_NANODET_PIXELS = Pixels("bgr", (103.53, 116.28, 123.675), (57.375, 57.12, 58.395))

FAMILIES = {
    "yolox": Family(_RAW_BGR, False, 114, _lists_cells(_YOLOX_STRIDES, 1), _yolox),
    "yolov8": Family(_UNIT_RGB, False, 114, _lists_cells(_YOLOX_STRIDES, 2), _yolov8),
    "nanodet": Family(_NANODET_PIXELS, True, 0, _lists_cells(_NANODET_STRIDES, 1), _nanodet),
    "fastestdet": Family(_UNIT_BGR, True, 0, _is_fastestdet, _fastestdet),
}

USUAL_SIZE = (640, 640)
"""Input size (width, height) if the file leaves it open."""


@dataclass(frozen=True, slots=True)
class BoxLayout:
    """The pictures that an ONNX file expects, and the form of its output."""

    size: Size
    family: Family
    pixels: Pixels
    person: int
    """Index of the person class."""

    @classmethod
    def of(cls, file: OnnxFile) -> BoxLayout:
        """Derive the layout from the file's shapes and the user's key=value pairs; nothing is run.

        Raises InputError for a file of no known family, and for unknown keys or values.
        """
        name = file.name
        name.only("family", "person_class", "size", *PIXEL_KEYS)
        usual = name.numbers("size", (float(USUAL_SIZE[0]), float(USUAL_SIZE[1])))
        size = file.input_size((int(usual[0]), int(usual[1])))
        family_name = name.said.get("family") or _recognised(file, size)
        family = FAMILIES[name.choice("family", tuple(FAMILIES), family_name)]
        person = int(name.number("person_class", PERSON_CLASS))
        return cls(size, family, pixels_said(name, family.pixels), person)


def _recognised(file: OnnxFile, size: Size) -> str:
    shapes = file.output_shapes
    fitting = [name for name, family in FAMILIES.items() if family.recognise(shapes, size)]
    if len(fitting) != 1:
        raise file.name.error(
            f"its outputs {shapes} tell no family; add ,family= and one of {', '.join(FAMILIES)}"
        )
    return fitting[0]


class OnnxDetector:
    """A detector from an ONNX file.

    The keys that the user can set are family, person_class, size (width/height), colour, mean and
    std. threads: CPU threads, all cores if None. Raises InputError.
    """

    def __init__(self, name: OnnxName, threads: int | None) -> None:
        self.name = f"onnx:{name.file.name}"
        file = OnnxFile(name)
        self._layout = BoxLayout.of(file)
        self._session = file.compiled(threads)

    def __call__(self, pictures: Sequence[Picture]) -> list[Float64Array]:
        """(N, 5) for each picture."""
        return [self._boxes(picture) for picture in pictures]

    def _boxes(self, picture: Picture) -> Float64Array:
        height, width = picture.shape[:2]
        size, family = self._layout.size, self._layout.family
        if family.stretched:
            pixels = np.asarray(cv2.resize(picture, size), dtype=np.uint8)
            scale = np.array([size[0] / width, size[1] / height] * 2)
        else:
            boxed = letterbox(picture, size, family.padding, cv2.INTER_LINEAR)
            pixels, scale = boxed.pixels, np.full(4, boxed.scale)
        outputs = self._session(network_pixels(pixels[None], self._layout.pixels))
        try:
            boxes, scores = family.decode(outputs, size, self._layout.person)
            fits = boxes.shape == (*scores.shape, 4)
        except (IndexError, ValueError):
            fits = False
        if not fits:
            shapes = [one.shape for one in outputs]
            raise self._session.name.error(f"its outputs {shapes} are not its family's")
        sure = np.isfinite(scores) & (scores >= SCORE_FLOOR) & np.isfinite(boxes).all(axis=1)
        clipped = clip_boxes(boxes[sure] / scale, width, height)
        return np.column_stack([clipped, np.clip(scores[sure], 0, 1)])
