"""A GPU: the bare network by batch, its share of the card's roof, the whole command, and whether
its poses are the CPU's.

    python benchmarks/bench_gpu.py [--device cuda] [--pictures 2000] [--labels GT] [--json FILE]

GT is a COCO data set with ``images/`` beside it; without it the example pictures are compared.
With ``--device cpu`` it is rehearsed without a GPU (``--batches 1,4 --pictures 12``); the
whole command then runs on the CPU's own engine.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mpn_models.counting import count_cost
from mpn_models.folded import fold
from mpn_models.network import channels_last
from mpn_models.registry import MODELS
from shared_data import needed

from mpn_cli.base.choices import Decode
from mpn_cli.networks.pose_gpu import DevicePoseNetwork

MODEL = MODELS["mobileposenet-256x192"]
EXAMPLES = Path(__file__).parents[1] / "examples"
SECONDS = 2.0
SURE = 0.3
"""Joints of at least this confidence are compared."""


def rate(work: Callable[[], Any], items: int, device: torch.device) -> float:
    """Items a second of a call, once it is warm."""

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    for _ in range(3):
        work()
    wait()
    calls, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        work()
        calls += 1
        if calls % 8 == 0:
            wait()
    wait()
    return calls * items / (time.perf_counter() - started)


def roofs(device: torch.device) -> dict[str, float]:
    """What the card does at best: half-precision TFLOP/s in a matrix product, GB/s in a copy."""
    kind = torch.float16 if device.type == "cuda" else torch.float32
    side = 8192 if device.type == "cuda" else 1024
    a, b = (torch.randn(side, side, device=device, dtype=kind) for _ in range(2))
    big = torch.empty(2**28 if device.type == "cuda" else 2**24, device=device)
    other = torch.empty_like(big)
    return {
        "tflops": rate(lambda: a @ b, 1, device) * 2 * side**3 / 1e12,
        "gb_per_s": rate(lambda: other.copy_(big), 1, device) * 2 * big.nbytes / 1e9,
    }


def network_rows(device: torch.device, batches: list[int]) -> list[dict[str, Any]]:
    """Crops a second by batch: eager fp32 as published, folded, and ours with all around it."""
    rows = []
    width, height = MODEL.input_size
    for batch in batches:
        plain = MODEL.build().eval().to(device)
        folded = channels_last(fold(MODEL.build().eval())).to(device)
        pixels = torch.randn(batch, 3, height, width, device=device)
        last = pixels.contiguous(memory_format=torch.channels_last)
        row: dict[str, Any] = {"batch": batch}
        with torch.inference_mode():
            row["eager fp32"] = rate(partial(plain, pixels), batch, device)
            row["folded fp32"] = rate(partial(folded, last), batch, device)
            if device.type == "cuda":
                half, small = folded.half(), last.half()
                row["folded half"] = rate(partial(half, small), batch, device)
        ours = DevicePoseNetwork(
            MODEL, MODEL.weights, str(device), batch=batch, flip=False, method=Decode.DARK
        )
        crops = torch.randint(0, 255, (batch, 3, height, width), dtype=torch.uint8, device=device)
        never = torch.zeros(batch, dtype=torch.bool, device=device)
        row["ours, with decoding"] = rate(partial(ours.joints_of, crops, never), batch, device)
        rows.append(row)
    return rows


class Utilisation:
    """Samples how busy the card is, by nvidia-smi."""

    def __init__(self) -> None:
        self.samples: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Utilisation:
        if shutil.which("nvidia-smi"):
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def _watch(self) -> None:
        command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
        while not self._stop.wait(0.5):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                self.samples.append(int(done.stdout.split()[0]))


def whole_command(device: str, pictures: int, folder: Path) -> dict[str, Any]:
    """``mpn annotate`` from JPEGs with given boxes; seconds by stage, and the card's busy share."""
    photos = folder / "photos"
    photos.mkdir()
    sources = sorted(EXAMPLES.glob("*.jpg"))
    boxes = []
    for number in range(1, pictures + 1):
        shutil.copy(sources[number % len(sources)], photos / f"{number}.jpg")
        for left in (20, 150, 280, 400):
            boxes.append({"image_id": number, "category_id": 1, "score": 0.9,
                          "bbox": [left, 60, 160, 340]})  # fmt: skip
    (folder / "boxes.json").write_text(json.dumps(boxes))
    command = [sys.executable, "-m", "mpn_cli.cli.app", "annotate", str(folder / "boxes.json"),
               "--images", str(photos), "-o", str(folder / "out"), "--device", device,
               "--no-resume", "--json"]  # fmt: skip
    subprocess.run([*command, "--limit", "4"], check=True, capture_output=True)
    with Utilisation() as used:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    record = json.loads(done.stdout)
    wall = record["seconds"]["wall"]
    return {
        "pictures_per_second": pictures / wall,
        "people_per_second": record["counts"]["people"] / wall,
        "seconds": record["seconds"],
        "card_busy_percent": sum(used.samples) / len(used.samples) if used.samples else None,
    }


def agreement(device: str, labels: Path, images: Path, folder: Path) -> dict[str, float]:
    """How near the device's joints are to the CPU's, and AP by each where there are labels."""
    found, aps = {}, {}
    for name, options in (("device", ["--device", device]), ("cpu", ["--device", "cpu"])):
        out = folder / f"{name}-poses"
        command = [sys.executable, "-m", "mpn_cli.cli.app"]
        subprocess.run(
            [*command, "annotate", str(labels), "--images", str(images), "-o", str(out), "--quiet",
             *options], check=True,
        )  # fmt: skip
        poses = json.loads((out / "predictions.json").read_text())
        found[name] = {
            (one["image_id"], *one["bbox"]): np.reshape(one["keypoints"], (-1, 3)) for one in poses
        }
        done = subprocess.run(
            [*command, "eval", str(out / "predictions.json"), "--gt", str(labels), "--json"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            aps[f"AP {name}"] = json.loads(done.stdout)["AP"]
    away = np.concatenate([
        np.linalg.norm((pose - found["device"][key])[:, :2], axis=1)[pose[:, 2] > SURE]
        for key, pose in found["cpu"].items()
    ])  # fmt: skip
    return {"joints": len(away), "within half a pixel": float((away < 0.5).mean()), **aps}


def main() -> None:
    """Measure, print and write."""
    arguments = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    arguments.add_argument("--device", default="cuda")
    arguments.add_argument("--batches", default="1,8,32,128,256")
    arguments.add_argument("--pictures", type=int, default=2000)
    arguments.add_argument("--labels", type=Path)
    arguments.add_argument("--json", type=Path)
    given = arguments.parse_args()
    labels = given.labels or EXAMPLES / "people.json"
    images = labels.parent / "images" if given.labels else EXAMPLES
    for place in (labels, images):
        needed(place)
    device = torch.device(given.device)
    found: dict[str, Any] = {"torch": torch.__version__, "roofs": roofs(device)}
    if device.type == "cuda":
        found["card"] = torch.cuda.get_device_name(device)
    found["network"] = network_rows(device, [int(one) for one in given.batches.split(",")])
    flops = 2 * count_cost(MODEL.build(), MODEL.input_size).multiply_adds
    print(json.dumps(found["roofs"]))
    for row in found["network"]:
        row["share of the arithmetic roof"] = (
            row["ours, with decoding"] * flops / found["roofs"]["tflops"] / 1e12
        )
        print({name: round(value, 4) for name, value in row.items()})
    with tempfile.TemporaryDirectory() as name:
        found["command"] = whole_command(given.device, given.pictures, Path(name))
        found["agreement"] = agreement(given.device, labels, images, Path(name))
    print(json.dumps([found["command"], found["agreement"]], indent=1))
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
