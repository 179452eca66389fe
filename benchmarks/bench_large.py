"""Large photographs: where the time goes, and what ``--fast-decode`` saves and changes.

Photographs of 12, 24 and 48 megapixels are made of a labelled set's pictures: one picture filling
the frame, and four of them side by side (people half as tall). Both are scaled up, so they hold no
finer detail than the pictures had; noise of a small sensor is added, which JPEG has to store.
``mpn annotate`` is run on the same files with full and with fast decoding, in turns.

    python benchmarks/bench_large.py [--data COCO_TRAIN] [--pictures 12] [--json FILE]

Two poses are the same person where the OKS between them is over 0.5; a joint has moved by its
distance in shares of the person's height (that of the box).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from shared_data import SHARED_DATA, needed

from mpn_cli.base.skeletons import SKELETONS
from mpn_cli.cli.console import make_table, stdout

MEGAPIXELS = (12, 24, 48)
MOVED = 0.02
"""Share of a person's height."""


def photograph(pictures: list[np.ndarray], megapixels: int, rng: np.random.Generator) -> np.ndarray:
    """One picture or four, scaled up to 4:3 and a number of megapixels, with noise."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    size = round(height * 4 / 3), height
    across = 1 if len(pictures) == 1 else 2
    cell = size[0] // across, size[1] // across
    canvas = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    for number, picture in enumerate(pictures):
        scale = min(cell[0] / picture.shape[1], cell[1] / picture.shape[0])
        large = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        y, x = number // across * cell[1], number % across * cell[0]
        canvas[y : y + large.shape[0], x : x + large.shape[1]] = large
    noise = rng.normal(0, 4, (*canvas.shape[:2], 1)).astype(np.int8)
    noisy: np.ndarray = np.clip(canvas.astype(np.int16) + noise, 0, 255).astype(np.uint8)
    return noisy


def annotate(pictures: Path, out: Path, option: str) -> tuple[float, dict[str, float]]:
    """Wall seconds of the command, and its seconds by stage."""
    command = [sys.executable, "-m", "mpn_cli.cli.app", "annotate", str(pictures), "-o", str(out)]
    started = time.perf_counter()
    subprocess.run([*command, "-q", option], check=True)
    wall = time.perf_counter() - started
    return wall, json.loads((out / "run.json").read_text())["seconds"]


def compare(full: Path, fast: Path) -> dict[str, float]:
    """How far the poses of two output folders agree, among those over the score threshold."""
    sigmas = np.array(SKELETONS[17].sigmas)
    people: list[dict[int, list[dict[str, Any]]]] = []
    for folder in (full, fast):
        by_picture: dict[int, list[dict[str, Any]]] = {}
        for one in json.loads((folder / "dataset.json").read_text())["annotations"]:
            by_picture.setdefault(one["image_id"], []).append(one)
        people.append(by_picture)
    found = matched = within = joints = same = 0
    for picture, poses in people[0].items():
        others = [np.reshape(p["keypoints"], (-1, 3)) for p in people[1].get(picture, [])]
        for pose in poses:
            found += 1
            here, height = np.reshape(pose["keypoints"], (-1, 3)), pose["bbox"][3]
            area = pose["bbox"][2] * height
            best, moved = 0.0, np.empty(0)
            for other in others:
                seen = (here[:, 2] > 0) & (other[:, 2] > 0)
                if not seen.any():
                    continue
                distance = np.hypot(*(here[:, :2] - other[:, :2]).T)
                similarity = np.exp(-(distance**2) / (8 * sigmas**2 * (area + 1e-9)))[seen].mean()
                if similarity > best:
                    best, moved = float(similarity), distance[seen] / height
            if best > 0.5:
                matched += 1
                same += best >= 0.99
                within += int((moved <= MOVED).sum())
                joints += len(moved)
    return {
        "people": found,
        "found in both": matched / max(found, 1),
        "OKS >= 0.99": same / max(matched, 1),
        "joints within 0.02 heights": within / max(joints, 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED_DATA / "coco_train")
    parser.add_argument("--pictures", type=int, default=12, help="photographs of each kind")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    files = sorted(needed(options.data / "images").iterdir())
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for megapixels in MEGAPIXELS:
        for across in (1, 4):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                (folder / "in").mkdir()
                for number in range(options.pictures):
                    chosen = rng.choice(len(files), across, replace=False)
                    originals = [np.asarray(cv2.imread(str(files[i]))) for i in chosen]
                    made = photograph(originals, megapixels, rng)
                    cv2.imwrite(str(folder / "in" / f"{number:03}.jpg"), made)
                (full, stages), (fast, reduced) = (
                    annotate(folder / "in", folder / option, f"--{option}-decode")
                    for option in ("full", "fast")
                )
                rows.append(
                    {"megapixels": megapixels, "pictures in one": across, "full s": full}
                    | {"fast s": fast, "times as fast": full / fast}
                    | {f"full: {k}": v for k, v in stages.items()}
                    | {f"fast: {k}": v for k, v in reduced.items()}
                    | compare(folder / "full", folder / "fast")
                )
                print(rows[-1], file=sys.stderr)
    columns = (
        *("megapixels", "pictures in one", "times as fast", "people"),
        *("found in both", "OKS >= 0.99", "joints within 0.02 heights"),
    )
    table = make_table("--fast-decode against --full-decode", columns, 0)
    for row in rows:
        table.add_row(*(f"{row[c]:.3g}" for c in columns))
    stdout.print(table)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
