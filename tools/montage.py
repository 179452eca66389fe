"""A few pictures side by side as one small JPEG: how docs/images/examples.jpg was made.

    mpn annotate examples -o demo-out --overlay
    python tools/montage.py demo-out/overlays docs/images/examples.jpg

The quality is the best that stays under the limit.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

QUALITIES = range(90, 30, -5)
GAP = 6
"""White pixels between pictures."""


def row_of(pictures: Sequence[Pixels], width: int) -> Pixels:
    """Pictures scaled to one height, so that side by side they are ``width`` pixels wide."""
    shapes = [picture.shape[1] / picture.shape[0] for picture in pictures]
    height = round((width - GAP * (len(pictures) - 1)) / sum(shapes))
    scaled: list[Any] = []
    for picture, shape in zip(pictures, shapes, strict=True):
        if scaled:
            scaled.append(np.full((height, GAP, 3), 255, np.uint8))
        size = (round(height * shape), height)
        scaled.append(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    row = np.concatenate(scaled, axis=1)[:, :width]
    missing = ((0, 0), (0, width - row.shape[1]), (0, 0))
    return np.pad(row, missing, constant_values=255)


def montage(pictures: Sequence[Pixels], rows: int, width: int) -> Pixels:
    """Pictures (H, W, 3) uint8 in rows of the same width, in their order."""
    parts: list[Any] = []
    for chunk in np.array_split(np.arange(len(pictures)), rows):
        if parts:
            parts.append(np.full((GAP, width, 3), 255, np.uint8))
        parts.append(row_of([pictures[index] for index in chunk], width))
    return np.concatenate(parts)


def small_jpeg(picture: Pixels, limit: int) -> bytes:
    """The picture as JPEG in the best quality that needs at most ``limit`` bytes."""
    for quality in QUALITIES:
        _, encoded = cv2.imencode(
            ".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
        )
        if len(encoded) <= limit:
            return encoded.tobytes()
    raise SystemExit(f"more than {limit} bytes in every quality; give a smaller --width")


def read(file: Path) -> Pixels:
    """A picture as (H, W, 3) uint8, BGR."""
    picture = cv2.imread(str(file))
    if picture is None:
        raise SystemExit(f"{file}: can't be read as a picture")
    return np.asarray(picture, dtype=np.uint8)


def main() -> None:
    """Read the pictures of a folder, by name, and write the montage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=2)
    parser.add_argument("--width", type=int, default=1000)
    parser.add_argument("--limit", type=int, default=150_000, help="bytes")
    args = parser.parse_args()
    pictures = [read(file) for file in sorted(args.folder.glob("*.jpg"))]
    if not pictures:
        raise SystemExit(f"{args.folder}: no pictures")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(small_jpeg(montage(pictures, args.rows, args.width), args.limit))


if __name__ == "__main__":
    main()
