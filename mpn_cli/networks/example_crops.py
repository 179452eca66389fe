"""Crops of real people that come with the package, to compare networks on.

They are cut out of COCO val2017's pictures 785, 54931, 163118 and 203864, which are used under
CC BY 2.0 (https://creativecommons.org/licenses/by/2.0/): Flickr photos 6795644157, 9707884793,
6295016809 and 5038658829.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mpn_cli.base.arrays import Picture

FILE = Path(__file__).with_name("example_crops.jpg")
"""The largest person of four example pictures, side by side (``tools/example_crops.py``)."""

CROPS = 4
CROP_SIZE = (288, 384)
"""(width, height) of each crop in the file, pixels."""


def example_crops(input_size: tuple[int, int]) -> Picture:
    """(4, H, W, 3) uint8 RGB crops at a network's input size (width, height)."""
    strip = cv2.imdecode(np.frombuffer(FILE.read_bytes(), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert strip is not None
    crops = np.split(strip, CROPS, axis=1)
    return np.stack(
        [
            np.asarray(cv2.resize(crop, input_size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
            for crop in crops
        ]
    )
