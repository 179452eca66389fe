"""People of the example pictures as one strip: how mpn_cli/networks/example_crops.jpg was made.

    python tools/example_crops.py mpn_cli/networks/example_crops.jpg

``mpn export`` compares the network that it writes with ours on these crops.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from mpn_cli.geometry.crops import regions_of_boxes, warp_crop
from mpn_cli.networks.example_crops import CROP_SIZE, CROPS
from mpn_cli.sources.gather import gather
from mpn_cli.sources.reading import read_picture

EXAMPLES = Path(__file__).parent.parent / "examples"


def main() -> None:
    """Cut the largest person out of each of the first pictures."""
    crops = []
    for task in gather([str(EXAMPLES / "people.json")], images=str(EXAMPLES)).tasks[:CROPS]:
        assert task.boxes
        box = max(task.boxes, key=lambda one: one.width * one.height)
        region = regions_of_boxes(np.array([[box.x, box.y, box.width, box.height]]), CROP_SIZE)
        picture = read_picture(task.path, task.size)
        crops.append(warp_crop(picture, region.centres[0], region.sizes[0], CROP_SIZE))
    strip = cv2.cvtColor(np.concatenate(crops, axis=1), cv2.COLOR_RGB2BGR)
    cv2.imwrite(sys.argv[1], strip, [cv2.IMWRITE_JPEG_QUALITY, 80])


if __name__ == "__main__":
    main()
