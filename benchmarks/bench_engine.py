"""The whole command against bare networks and box-by-box loops, on the same pictures and boxes.

People a second, without the flip test, so that a person is one run of a network. ``mpn annotate``
is started as a user does; its start-up (a run of one picture) is taken off. The loops read, crop,
run and decode in this process, box by box, as the paper's code family and most tools do. The peer
is any heatmap network as ONNX, run by ONNX Runtime where that is installed.

    python benchmarks/bench_engine.py [--data COCO_DEV] [--json FILE]

COCO_DEV holds person_keypoints.json and images/ (benchmarks/shared_data.py says where it is).
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
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from mpn_models.folded import fold
from mpn_models.network import channels_last
from mpn_models.registry import DEFAULT_MODEL, MODELS
from mpn_models.weights import load_weights, read_header
from shared_data import COCO_DEV, SHARED_DATA, needed

from mpn_cli.base.choices import Decode
from mpn_cli.cli.console import make_table, stdout
from mpn_cli.geometry.crops import normalise, regions_of_boxes, warp_crop
from mpn_cli.geometry.decoding import decode
from mpn_cli.networks.openvino_forms import int8_form
from mpn_cli.networks.pose_openvino import OpenVinoEstimator, openvino_form
from mpn_cli.sources.gather import gather
from mpn_cli.sources.reading import read_picture

ROUNDS = 3
CROPS = 128
LOOP_PICTURES = 48
MODEL = MODELS[DEFAULT_MODEL]

Network = Callable[[np.ndarray], np.ndarray]


def torch_network(network: torch.nn.Module) -> Network:
    """Crops (N, H, W, 3) uint8 -> heatmaps."""

    def run(crops: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            heatmaps: np.ndarray = network(torch.from_numpy(normalise(crops))).numpy()
            return heatmaps

    return run


def onnx_network(file: Path) -> Network | None:
    """A peer's network, None where it or ONNX Runtime is missing."""
    try:
        import onnxruntime
    except ImportError:
        return None
    if not file.is_file():
        return None
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda crops: session.run(None, {name: np.ascontiguousarray(normalise(crops))})[0]


def bare(network: Network, batch: int) -> float:
    """Crops a second of a network alone, normalisation included."""
    width, height = MODEL.input_size
    crops = np.random.default_rng(0).integers(0, 256, (batch, height, width, 3), dtype=np.uint8)
    for _ in range(3):
        network(crops)
    started = time.perf_counter()
    for _ in range(CROPS // batch):
        network(crops)
    return CROPS / (time.perf_counter() - started)


def loop(network: Network, data: Path) -> float:
    """People a second, box by box, from files to positions."""
    tasks = gather([str(data / "person_keypoints.json")]).tasks[:LOOP_PICTURES]
    people = 0
    started = time.perf_counter()
    for task in tasks:
        picture = read_picture(task.path)
        boxes = np.array([msgspec.structs.astuple(box) for box in task.boxes or ()])
        regions = regions_of_boxes(boxes[:, :4], MODEL.input_size)
        for centre, size in zip(regions.centres, regions.sizes, strict=True):
            crop = warp_crop(picture, centre, size, MODEL.input_size)
            decode(network(crop[None]), Decode.DARK)
            people += 1
    return people / (time.perf_counter() - started)


def repeat_data(data: Path, folder: Path, times: int) -> Path:
    """The data set several times over, by links; its JSON file."""
    truth = json.loads((data / "person_keypoints.json").read_text())
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for n in range(times):
        (folder / "images" / str(n)).mkdir(parents=True)
        for image in truth["images"]:
            name = f"{n}/{image['file_name']}"
            (folder / "images" / name).symlink_to((data / "images" / image["file_name"]).resolve())
            images.append({**image, "id": image["id"] + n * 10**7, "file_name": name})
        for person in truth["annotations"]:
            changed = {"id": len(annotations) + 1, "image_id": person["image_id"] + n * 10**7}
            annotations.append({**person, **changed})
    file = folder / "person_keypoints.json"
    content = {"images": images, "annotations": annotations, "categories": truth["categories"]}
    file.write_text(json.dumps(content))
    return file


def run_command(file: Path, out: Path, *options: str) -> dict[str, Any]:
    """``mpn annotate`` as its own process: people, seconds, CPU seconds, peak memory."""
    # VmHWM, since ru_maxrss of a fresh process counts the one that it was forked from.
    script = (
        "import resource, sys; from mpn_cli.cli.app import main\n"
        "try: main()\n"
        "finally:\n"
        "    own = [line.split()[1] for line in open('/proc/self/status') if 'VmHWM' in line]\n"
        "    theirs = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "    print(int(own[0]) // 1024, theirs // 1024, file=sys.stderr)\n"
    )
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script, "annotate", str(file), "-o", str(out), "--no-resume",
         "--no-flip", "--json", *options],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    parent, worker = map(int, done.stderr.split()[-2:])
    return {
        "people": json.loads(done.stdout)["counts"]["people"],
        "seconds": seconds,
        "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "parent_mb": parent,
        "worker_mb": worker,
    }


def whole(data: Path, times: int, *options: str) -> dict[str, float]:
    """The whole command on the repeated data set, start-up apart."""
    with tempfile.TemporaryDirectory() as folder:
        file = repeat_data(data, Path(folder), times)
        start = run_command(file, Path(folder) / "out", "--limit", "1", *options)
        full = run_command(file, Path(folder) / "out", *options)
    people = full["people"] - start["people"]
    return {
        "people_per_second": people / (full["seconds"] - start["seconds"]),
        "cpu_ms_per_person": 1000 * (full["cpu_seconds"] - start["cpu_seconds"]) / people,
        "startup_seconds": start["seconds"],
        "parent_mb": full["parent_mb"],
        "worker_mb": full["worker_mb"],
    }


def measure(data: Path, peer: Path, times: int) -> dict[str, dict[str, float]]:
    """All figures, in turns; medians."""
    plain, _ = load_weights(MODEL.weights, MODEL)
    eager = torch_network(plain)
    folded = torch_network(channels_last(fold(plain)))
    form = openvino_form(MODEL, MODEL.weights, read_header(MODEL.weights).sha256)
    openvino = OpenVinoEstimator(form, MODEL, None).heatmaps
    int8 = OpenVinoEstimator(int8_form(MODEL.weights), MODEL, None).heatmaps
    turns: dict[str, Callable[[], dict[str, float]]] = {
        "loop, torch eager": lambda: {"people_per_second": loop(eager, data)},
        "bare torch, folded, batch 4": lambda: {"people_per_second": bare(folded, 4)},
        "bare OpenVINO, batch 4": lambda: {"people_per_second": bare(openvino, 4)},
        "bare OpenVINO int8, batch 4": lambda: {"people_per_second": bare(int8, 4)},
        "mpn annotate, torch": lambda: whole(data, times, "--runtime", "torch"),
        "mpn annotate, OpenVINO": lambda: whole(data, times, "--runtime", "openvino"),
        "mpn annotate, OpenVINO int8": lambda: whole(data, times, "--precision", "int8"),
    }
    theirs = onnx_network(peer)
    if theirs is not None:
        turns["loop, peer in ONNX Runtime"] = lambda: {"people_per_second": loop(theirs, data)}
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in turns}
    for _ in range(ROUNDS):
        for name, turn in turns.items():
            measured[name].append(turn())
    return {
        name: {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        for name, rounds in measured.items()
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=COCO_DEV)
    parser.add_argument(
        "--peer",
        type=Path,
        default=SHARED_DATA / "peers" / "ultralight_nano_simplepose_256x192.onnx",
    )
    parser.add_argument("--times", type=int, default=4, help="how often the data set is repeated")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    for name in ("person_keypoints.json", "images"):
        needed(options.data / name)
    found = measure(options.data, options.peer, options.times)
    yardstick = found["loop, torch eager"]["people_per_second"]
    table = make_table(
        f"256x192, {os.cpu_count()} cores",
        ("", "people/s", "against eager", "CPU ms", "start s", "parent MB", "worker MB"),
    )
    for name, one in found.items():
        rate = one["people_per_second"]
        row = [name, f"{rate:.1f}", f"{rate / yardstick:.2f}x"]
        if "cpu_ms_per_person" in one:
            row += [f"{one['cpu_ms_per_person']:.1f}", f"{one['startup_seconds']:.1f}",
                    f"{one['parent_mb']:.0f}", f"{one['worker_mb']:.0f}"]  # fmt: skip
        table.add_row(*row)
    stdout.print(table)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"cores": os.cpu_count(), "medians": found}, indent=1))


if __name__ == "__main__":
    main()
