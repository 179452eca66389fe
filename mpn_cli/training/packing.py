"""People cut out of their pictures, in a few tar files: a data set that travels.

    python -m mpn_cli.training.packing coco_train lspet -o packed

Each file is at most ``--most-mb`` large and unpacks (:func:`unpack`, or any tar) into COCO keypoint
data sets of single-person crops, one for each source. A crop keeps its picture's name, so that the
same people are held out for validation.
"""

from __future__ import annotations

import argparse
import io
import tarfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np

from mpn_cli.geometry.crops import PADDING, regions_of_boxes
from mpn_cli.training.data_sets import LABELS, read_labelled_picture
from mpn_cli.training.pose.cache import MARGIN
from mpn_cli.training.pose.people import People, load_people


def pack(
    sources: Sequence[Path], out: Path, most_mb: float, height: int, quality: int, joints: int = 17
) -> list[Path]:
    """Write the tar files; their paths. Crops are at most ``height`` pixels high.

    Raises FileExistsError where one is there already.
    """
    out.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    tar: tarfile.TarFile | None = None
    filled = 0
    for name, content in _members(sources, height, quality, joints):
        if tar is None or filled + len(content) > most_mb * 1e6 - 20_000:
            if tar is not None:
                tar.close()
            files.append(out / f"crops-{len(files):03d}.tar")
            tar, filled = tarfile.open(files[-1], "x"), 0  # noqa: SIM115
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
        filled += -(-len(content) // 512) * 512 + 512
    if tar is not None:
        tar.close()
    return files


def unpack(files: Sequence[Path], folder: Path) -> list[Path]:
    """The data sets of some tar files, in the order they were packed in."""
    for file in files:
        with tarfile.open(file) as tar:
            tar.extractall(folder, filter="data")
    return sorted(path.parent for path in folder.glob(f"*/{LABELS}"))


def _members(
    sources: Sequence[Path], height: int, quality: int, joints: int
) -> Iterator[tuple[str, bytes]]:
    for number, source in enumerate(sources):
        people = load_people(source, joints)
        folder = f"{number}-{source.stem}"
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        with ThreadPoolExecutor() as threads:
            rows = range(len(people))
            cut = threads.map(lambda row: _crop(people, row, height, quality), rows)  # noqa: B023
            for row, (content, keypoints, box, size) in zip(rows, cut, strict=True):
                name = f"{row}/{people.pictures[people.picture_rows[row]].path.name}"
                yield f"{folder}/images/{name}", content
                weights = people.weights[row]
                labels = np.column_stack([keypoints, 2 * (weights > 0)])
                images.append({"id": row + 1, "file_name": name, "width": size[0],
                               "height": size[1]})  # fmt: skip
                annotations.append({
                    "id": row + 1, "image_id": row + 1, "category_id": 1, "iscrowd": 0,
                    "bbox": box.round(2).tolist(), "area": float(box[2] * box[3]),
                    "keypoints": labels.round(2).ravel().tolist(),
                    "num_keypoints": int((weights > 0).sum()),
                    "keypoint_confidences": weights.astype(float).round(3).tolist(),
                })  # fmt: skip
        labels_file = {"images": images, "annotations": annotations,
                       "categories": [{"id": 1, "name": "person"}]}  # fmt: skip
        yield f"{folder}/{LABELS}", msgspec.json.encode(labels_file)


def _crop(
    people: People, row: int, height: int, quality: int
) -> tuple[bytes, np.ndarray, np.ndarray, tuple[int, int]]:
    """A person's region as WebP; keypoints (K, 2), box and size in its pixels."""
    picture = read_labelled_picture(people.pictures[people.picture_rows[row]])
    regions = regions_of_boxes(people.boxes[row : row + 1], (3, 4), PADDING * MARGIN)
    low = np.floor(regions.centres[0] - regions.sizes[0] / 2).astype(int)
    high = np.ceil(regions.centres[0] + regions.sizes[0] / 2).astype(int) + 1
    left, top = low.clip(0)
    right, bottom = np.minimum(high, picture.shape[1::-1])
    cut = picture[top:bottom, left:right]
    scale = min(1.0, height / (high[1] - low[1]))
    size = (max(2, round(cut.shape[1] * scale)), max(2, round(cut.shape[0] * scale)))
    small = cv2.resize(cut, size, interpolation=cv2.INTER_AREA) if scale < 1 else cut
    _, coded = cv2.imencode(
        ".webp", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, quality]
    )
    # cv2.resize keeps the picture's outer edges in place, half a pixel beyond the outer centres.
    factor = np.array(small.shape[1::-1]) / np.array(cut.shape[1::-1])
    corner = np.array([left, top])
    keypoints = (people.keypoints[row] - corner + 0.5) * factor - 0.5
    keypoints[people.weights[row] == 0] = 0
    box = people.boxes[row].copy()
    box[:2] = (box[:2] - corner) * factor
    box[2:] *= factor
    return coded.tobytes(), keypoints, box, (small.shape[1], small.shape[0])


def main() -> None:
    """Pack from the command line."""
    arguments = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    arguments.add_argument("data", nargs="+", type=Path, help="COCO keypoint data sets")
    arguments.add_argument("-o", "--out", type=Path, required=True)
    arguments.add_argument("--most-mb", type=float, default=60.0, help="of each file")
    arguments.add_argument("--height", type=int, default=338, help="of crops, at most")
    arguments.add_argument("--quality", type=int, default=80, help="of their WebP")
    given = arguments.parse_args()
    for file in pack(given.data, given.out, given.most_mb, given.height, given.quality):
        print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
