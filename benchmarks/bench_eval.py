"""`mpn eval` against pycocotools, end to end: two processes, from the files to the ten numbers.

    python benchmarks/bench_eval.py [--pictures 2346] [--results 100000] [--rounds 3]
        [--json FILE]

The data set is made: people of many sizes, crowds and people without labels; results are their
labels jittered by little or much, moved away, or somewhere. mpn's time holds its health check, its
intervals and its breakdowns; pycocotools' is loading, evaluate, accumulate and summarize.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
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


@dataclass
class Timed:
    """The fastest of several runs."""

    seconds: float = float("inf")
    """From start to end."""
    processor: float = float("inf")
    """Seconds of all cores together; what other programs do weighs less on them."""
    printed: str = ""

    def run(self, command: list[str], environment: dict[str, str]) -> None:
        """Run it once more."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        self.seconds = min(self.seconds, time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.processor = min(self.processor, used)
        self.printed = done.stdout


def main() -> None:
    """Make the files, run each command in turn, print and write the ratios."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--pictures", type=int, default=2346)
    arguments.add_argument("--results", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--json", type=Path)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        truth, results = map(str, make_files(Path(folder), given.pictures, given.results))
        stats = Path(folder) / "stats.json"
        mpn = [sys.executable, "-m", "mpn_cli.cli.app", "eval", results, "--gt", truth, "--json"]
        commands = {
            "pycocotools": [sys.executable, "-c", JUDGE, truth, results, str(stats)],
            "mpn eval": mpn,
            "mpn eval --resamples 0": [*mpn, "--resamples", "0"],
            "mpn eval --errors": [*mpn, "--errors"],
        }
        # As installed: compiled once, not in each run.
        environment = os.environ | {"PYTHONPYCACHEPREFIX": str(Path(folder) / "compiled")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        timed = {name: Timed() for name in commands}
        for _ in range(given.rounds):
            for name, command in commands.items():
                timed[name].run(command, environment)
        expected = json.loads(stats.read_text())
    judge = timed.pop("pycocotools")
    print(f"{given.results} results, {given.pictures} pictures; AP {expected[0]:.4f}")
    print(f"{'':24}{'seconds':>8}{'':8}{'of processors':>16}")
    print(f"{'pycocotools':24}{judge.seconds:8.2f}{'':8}{judge.processor:16.2f}")
    rows = []
    for name, one in timed.items():
        numbers = list(json.loads(one.printed).values())[1:11]
        apart = max(abs(a - b) for a, b in zip(numbers, expected, strict=True))
        print(
            f"{name:24}{one.seconds:8.2f}{judge.seconds / one.seconds:7.1f}x{one.processor:16.2f}"
            f"{judge.processor / one.processor:7.1f}x  largest difference {apart:.1e}"
        )
        rows.append({
            "command": name, "seconds": one.seconds, "processor": one.processor, "apart": apart,
        })  # fmt: skip
    if given.json:
        whole = {"pycocotools": judge.seconds, "pycocotools_processor": judge.processor}
        given.json.write_text(json.dumps({**whole, "mpn": rows}, indent=1))


if __name__ == "__main__":
    main()
