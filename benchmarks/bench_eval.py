"""`mpn eval` against pycocotools, end to end: two processes, from the files to the ten numbers.

    python benchmarks/bench_eval.py [--pictures 2346] [--results 100000] [--json FILE]

The data set is made: people of many sizes, crowds and people without labels; results are their
labels jittered by little or much, moved away, or somewhere. mpn's time holds its health check, its
intervals and its breakdowns; pycocotools' is loading, evaluate, accumulate and summarize.
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

import numpy as np

JUDGE = """
import json, sys
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
truth = COCO(sys.argv[1])
evaluation = COCOeval(truth, truth.loadRes(sys.argv[2]), "keypoints")
evaluation.evaluate()
evaluation.accumulate()
evaluation.summarize()
json.dump(list(map(float, evaluation.stats)), open(sys.argv[3], "w"))
"""


def make_files(folder: Path, pictures: int, wanted: int) -> tuple[Path, Path]:
    """A ground truth and results for it."""
    rng = np.random.default_rng(0)
    people: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for picture in range(1, pictures + 1):
        here = int(rng.choice([1, 1, 1, 2, 2, 3, 4, 6, 13]))
        each = wanted * picture // pictures - len(results)
        poses = []
        for _ in range(here):
            high = rng.uniform(40, 400)
            wide = high * rng.uniform(0.3, 0.8)
            x, y = rng.uniform(0, 640 - wide / 2), rng.uniform(0, 480 - high / 2)
            pose = np.column_stack([
                x + wide * rng.random(17), y + high * rng.random(17), rng.choice([0, 1, 2, 2], 17)
            ])  # fmt: skip
            if rng.random() < 0.3:
                pose[:, 2] = 0
            poses.append((pose.copy(), high))
            pose[pose[:, 2] == 0] = 0
            people.append({
                "id": len(people) + 1, "image_id": picture, "category_id": 1,
                "bbox": [x, y, wide, high], "area": 0.6 * wide * high,
                "iscrowd": int(rng.random() < 0.02), "keypoints": pose.ravel().round(2).tolist(),
                "num_keypoints": int((pose[:, 2] > 0).sum()),
            })  # fmt: skip
        for number in range(each):
            pose, high = poses[number % here]
            moved = pose.copy()
            spread = rng.choice([0.005, 0.02, 0.06, 0.2]) * high
            moved[:, :2] += rng.normal(0, spread, (17, 2))
            if number >= 3 * here:
                moved[:, :2] += rng.uniform(-300, 300, 2)
            moved[:, 2] = rng.random(17)
            results.append({
                "image_id": picture, "category_id": 1,
                "keypoints": moved.ravel().round(2).tolist(),
                "score": round(float(rng.random() * np.exp(-3 * spread / high)), 4),
            })  # fmt: skip
    truth = {
        "images": [
            {"id": n, "width": 640, "height": 480, "file_name": f"{n}.jpg"}
            for n in range(1, pictures + 1)
        ],
        "annotations": people,
        "categories": [{"id": 1, "name": "person"}],
    }
    files = folder / "truth.json", folder / "results.json"
    for file, content in zip(files, (truth, results), strict=True):
        file.write_text(json.dumps(content))
    return files


def timed(command: list[str]) -> tuple[float, str]:
    """Seconds, and what was printed."""
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, done.stdout


def main() -> None:
    """Make the files, run each, print and write the ratio."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--pictures", type=int, default=2346)
    arguments.add_argument("--results", type=int, default=100_000)
    arguments.add_argument("--json", type=Path)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        truth, results = make_files(Path(folder), given.pictures, given.results)
        stats = Path(folder) / "stats.json"
        judge_seconds, _ = timed(
            [sys.executable, "-c", JUDGE, str(truth), str(results), str(stats)]
        )
        judge = json.loads(stats.read_text())
        command = [
            sys.executable,
            "-m",
            "mpn_cli.cli.app",
            "eval",
            str(results),
            "--gt",
            str(truth),
        ]
        rows = []
        for name, options in (
            ("mpn eval", []),
            ("mpn eval --resamples 0", ["--resamples", "0"]),
            ("mpn eval --errors", ["--errors"]),
        ):
            seconds, printed = min(timed([*command, *options, "--json"]) for _ in range(3))
            numbers = list(json.loads(printed).values())[1:11]
            apart = max(abs(a - b) for a, b in zip(numbers, judge, strict=True))
            rows.append({"command": name, "seconds": seconds, "apart": apart})
    print(f"{given.results} results, {given.pictures} pictures; AP {judge[0]:.4f}")
    print(f"{'pycocotools':26} {judge_seconds:8.2f} s")
    for row in rows:
        print(
            f"{row['command']:26} {row['seconds']:8.2f} s {judge_seconds / row['seconds']:6.1f}x"
            f"  largest difference {row['apart']:.1e}"
        )
    if given.json:
        given.json.write_text(json.dumps({"pycocotools": judge_seconds, "mpn": rows}, indent=1))


if __name__ == "__main__":
    main()
