"""From pictures alone to files: pictures per second of the whole command, beside others.

Every row starts a program of its own and counts its whole time, start-up included, on a data
set's pictures repeated to several hundred. Beside the current code there may be an older version
of mpn (a git worktree of it), and Ultralytics' yolo11n-pose in OpenVINO and ONNX Runtime where
that package is installed; its weights are random, which is as fast, and finds nobody, which is
faster. All rows take turns in one run. On a machine that does other things at the same time, go by
the CPU time.

A second table says what the cores did during the run with the defaults: the share of each stage,
and what no stage took: start-up, merging and idling. Waiting for a picture counts as reading.

    git worktree add ../older 71eb1bd
    python benchmarks/bench_pictures.py [--older ../older] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from shared_data import COCO_DEV, needed

from mpn_cli.cli.console import make_table, stdout

ROOT = Path(__file__).parents[1]
DEFAULTS = "mpn, defaults"

MODES = {
    DEFAULTS: (),
    "mpn, int8": ("--precision", "int8"),
    "mpn, no flip": ("--no-flip",),
    "mpn, int8, no flip": ("--precision", "int8", "--no-flip"),
}

ULTRALYTICS = """
import sys, time
from pathlib import Path
from ultralytics import YOLO
kind, pictures, folder, size = sys.argv[1:]
options = {"simplify": False} if kind == "onnx" else {}
exported = Path(YOLO("yolo11n-pose.yaml").export(format=kind, imgsz=int(size), **options))
model = YOLO(exported, task="pose")
started, cpu = time.perf_counter(), time.process_time()
for _ in model.predict(pictures, stream=True, imgsz=int(size), save_txt=True, verbose=False,
                       project=folder, device="cpu"):
    pass
print(time.perf_counter() - started, time.process_time() - cpu)
"""
"""Exports the network and times its own way through a folder; what comes before is not counted."""


@dataclass(frozen=True)
class Spent:
    """What a run took."""

    seconds: float
    cpu_seconds: float
    """Of all cores."""
    stages: dict[str, float] = field(default_factory=dict)
    """Seconds of all workers by stage, where they are known."""


def repeat_pictures(data: Path, folder: Path, times: int) -> int:
    """Links to a data set's pictures, several times over; how many there are."""
    pictures = sorted((data / "images").iterdir())
    folder.mkdir()
    for n in range(times):
        for picture in pictures:
            (folder / f"{n}-{picture.name}").symlink_to(picture.resolve())
    return times * len(pictures)


def annotate(code: Path, pictures: Path, out: Path, *options: str) -> Spent:
    """``mpn annotate`` with the code of a checkout."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "mpn_cli.cli.app", "annotate", str(pictures), "-o", str(out),
         "--no-resume", "--quiet", *options],
        check=True, cwd=code, env={**os.environ, "PYTHONPATH": str(code)},
    )  # fmt: skip
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    stages = json.loads((out / "run.json").read_text())["seconds"]
    del stages["wall"]
    return Spent(seconds, cpu, stages)


def ultralytics(kind: str, pictures: Path, folder: Path, size: int) -> Spent:
    """yolo11n-pose on a folder, in "openvino" or "onnx"."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", ULTRALYTICS, kind, str(pictures), str(folder), str(size)],
        check=True, cwd=folder, capture_output=True, text=True,
        env={**os.environ, "YOLO_AUTOINSTALL": "false", "YOLO_CONFIG_DIR": str(folder)},
    )  # fmt: skip
    seconds, cpu = done.stdout.split()[-2:]
    return Spent(float(seconds), float(cpu))


def shares_of_cores(runs: list[Spent]) -> dict[str, float]:
    """The share of all cores' time, by stage, over some runs of ``mpn annotate``."""
    cores = os.cpu_count() or 1
    available = cores * sum(one.seconds for one in runs)
    stages = list(runs[0].stages)
    shares = {stage: sum(one.stages[stage] for one in runs) / available for stage in stages}
    return {
        **shares,
        "no stage": 1 - sum(shares.values()),
        "idle": 1 - sum(one.cpu_seconds for one in runs) / available,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=COCO_DEV)
    parser.add_argument("--times", type=int, default=6, help="how often the pictures are repeated")
    parser.add_argument("--rounds", type=int, default=1, help="medians of several rounds")
    parser.add_argument("--older", type=Path, help="checkout of an older version of mpn")
    parser.add_argument("--yolo-size", type=int, default=640, help="input of yolo11n-pose")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    needed(options.data / "images")
    if options.older:
        needed(options.older)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures, out = folder / "pictures", folder / "out"
        count = repeat_pictures(options.data, pictures, options.times)

        def ours(code: Path, *mode: str) -> Callable[[], Spent]:
            return lambda: annotate(code.resolve(), pictures, out, *mode)

        def theirs(kind: str) -> Callable[[], Spent]:
            return lambda: ultralytics(kind, pictures, folder / kind, options.yolo_size)

        rows = {name: ours(ROOT, *mode) for name, mode in MODES.items()}
        if options.older:
            rows["older mpn, defaults"] = ours(options.older)
        if find_spec("ultralytics") is not None:
            rows["yolo11n-pose, OpenVINO"] = theirs("openvino")
            rows["yolo11n-pose, ONNX Runtime"] = theirs("onnx")
        spent: dict[str, list[Spent]] = {name: [] for name in rows}
        for _ in range(options.rounds):
            for row, run in rows.items():
                spent[row].append(run())
    rates = {
        name: count / statistics.median(one.seconds for one in own) for name, own in spent.items()
    }
    cpu = {
        name: 1000 * statistics.median(one.cpu_seconds for one in own) / count
        for name, own in spent.items()
    }
    table = make_table(
        f"{count} pictures, {os.cpu_count()} cores",
        ("", "pictures/s", "against defaults", "CPU ms per picture"),
    )
    for row, rate in rates.items():
        table.add_row(row, f"{rate:.1f}", f"{rate / rates[DEFAULTS]:.2f}x", f"{cpu[row]:.1f}")
    stdout.print(table)
    shares = shares_of_cores(spent[DEFAULTS])
    table = make_table("of the cores' time, defaults", ("", "share"))
    for stage, share in shares.items():
        table.add_row(stage, f"{share:.1%}")
    stdout.print(table)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "cores": os.cpu_count(), "pictures": count, "per_second": rates, "cpu_ms": cpu,
            "shares_of_cores": shares,
        }  # fmt: skip
        options.json.write_text(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
