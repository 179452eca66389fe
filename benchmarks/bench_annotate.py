"""The bare network and the whole command on the same boxes, as crops a second.

One crop is one run of the network: with the flip test a person costs two. The yardstick is torch's
eager network, box by box, as the paper and its code family run it. Everything is measured in one
process, start-up apart, in turns; the median of the turns counts.

    python benchmarks/bench_annotate.py [--data ../shared/data/coco_dev] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from models.folded import fold
from models.network import channels_last
from models.registry import DEFAULT_MODEL, MODELS
from models.weights import load_weights
from mpn_cli.console import make_table, stdout
from mpn_cli.pipeline.crops import normalise
from mpn_cli.pipeline.shard import Tools, annotate_shard
from mpn_cli.recipes import make_recipe
from mpn_cli.settings import resolve
from mpn_cli.sources.gather import gather

ROUNDS = 5
CROPS = 64
BATCHES = (1, 2, 4, 8, 16, 32)


def bare(network: torch.nn.Module, batch: int) -> Callable[[], int]:
    """A turn of ``CROPS`` crops through a network, normalisation included."""
    model = MODELS[DEFAULT_MODEL]
    width, height = model.input_size
    crops = np.random.default_rng(0).integers(0, 256, (batch, height, width, 3), dtype=np.uint8)

    def turn() -> int:
        with torch.inference_mode():
            for _ in range(CROPS // batch):
                network(torch.from_numpy(normalise(crops)))
        return CROPS

    return turn


def command(data: Path, pictures: int) -> Callable[[], int]:
    """A turn of the whole way, from picture files to suppressed poses, without flip test."""
    tasks = gather([str(data / "person_keypoints.json")]).tasks[:pictures]
    tools = Tools.load(make_recipe(resolve({"flip": False}), labelled=True))

    def turn() -> int:
        result = annotate_shard(tasks, tools)
        return sum(len(picture.poses) for picture in result.pictures)

    return turn


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/coco_dev"))
    parser.add_argument("--pictures", type=int, default=32)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    plain, _ = load_weights(MODELS[DEFAULT_MODEL].weights)
    folded = fold(plain)
    turns: dict[str, Callable[[], int]] = {"torch eager, box by box": bare(plain, 1)}
    network = channels_last(folded)
    turns |= {f"folded, channels-last, batch {n}": bare(network, n) for n in BATCHES}
    if options.data.is_dir():
        turns["whole command"] = command(options.data, options.pictures)
    rates: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(ROUNDS + 1):
        for name, turn in turns.items():
            started = time.perf_counter()
            crops = turn()
            rates[name].append(crops / (time.perf_counter() - started))
    medians = {name: statistics.median(measured[1:]) for name, measured in rates.items()}
    yardstick = medians["torch eager, box by box"]
    table = make_table(
        f"256x192, {torch.get_num_threads()} threads", ("", "crops/s", "spread", "against eager")
    )
    for name, median in medians.items():
        low, high = min(rates[name][1:]), max(rates[name][1:])
        table.add_row(name, f"{median:.1f}", f"{low:.0f}-{high:.0f}", f"{median / yardstick:.2f}x")
    stdout.print(table)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(
            json.dumps({"threads": torch.get_num_threads(), "crops_per_second": medians}, indent=1)
        )


if __name__ == "__main__":
    main()
