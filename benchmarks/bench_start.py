"""What one photograph costs: start, annotate, end, with a warm cache.

``mpn annotate photo.jpg`` is started as a user does, in turns with an older checkout of mpn where
one is given, for each runtime; the medians are of wall and CPU seconds, children included.

    python benchmarks/bench_start.py [--older CHECKOUT] [--times 7] [--json FILE]
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
from pathlib import Path
from statistics import median

from shared_data import needed

from mpn_cli.cli.console import make_table, stdout

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "examples" / "000000000785.jpg"


def start_once(checkout: Path, runtime: str, out: Path) -> tuple[float, float]:
    """Wall and CPU seconds of one command."""
    module = (
        "mpn_cli.cli.app" if (checkout / "mpn_cli" / "cli" / "app.py").exists() else "mpn_cli.app"
    )
    paths = checkout, checkout / "models", checkout / "nms_backends"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    options = ["annotate", str(PICTURE), "-o", str(out), "-q", "--runtime", runtime]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", module, *options], check=True, env=environment, cwd=out.parent
    )
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--older", type=Path, help="checkout of an older version of mpn")
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    checkouts = {"mpn": ROOT}
    if options.older:
        checkouts["older"] = needed(options.older).resolve()
    measured: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        for number in range(-1, options.times):  # the first round warms the caches
            for runtime in ("openvino", "torch"):
                for label, checkout in checkouts.items():
                    out = Path(name) / f"{label}-{runtime}-{number}"
                    spent = start_once(checkout, runtime, out)
                    if number >= 0:
                        measured.setdefault(f"{label}, {runtime}", []).append(spent)
    table = make_table("mpn annotate photo.jpg", ("", "wall s", "CPU s"), 1)
    rows = {
        name: [median(column) for column in zip(*found, strict=True)]
        for name, found in measured.items()
    }
    for row, (wall, cpu) in rows.items():
        table.add_row(row, f"{wall:.2f}", f"{cpu:.2f}")
    stdout.print(table)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
