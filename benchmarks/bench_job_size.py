"""Does a job's size cost anything? ``mpn annotate`` over 100, 1,000 and 10,000 pictures (links).

Each picture has one person with a box; int8, no flip test. Reported: milliseconds a picture with
the start-up (a run of one picture) taken off, and peak memory of the parent and of the largest
worker. Flat is right.

    python benchmarks/bench_job_size.py [--sizes 100,1000,10000] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from bench_engine import run_command

from mpn_cli.cli.console import make_table, stdout

EXAMPLES = Path(__file__).parent.parent / "examples"


def link_pictures(folder: Path, count: int) -> Path:
    """A data set of so many pictures with a person each; its JSON file."""
    people = json.loads((EXAMPLES / "people.json").read_text())
    first = {one["image_id"]: one["bbox"] for one in reversed(people)}
    numbers = sorted(first)
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for number in range(1, count + 1):
        original = numbers[number % len(numbers)]
        name = f"{number}.jpg"
        (folder / "images" / name).symlink_to(EXAMPLES / f"{original:012d}.jpg")
        images.append({"id": number, "file_name": name})
        annotations.append(
            {"id": number, "image_id": number, "category_id": 1, "bbox": first[original]}
        )
    file = folder / "people.json"
    file.write_text(json.dumps({"images": images, "annotations": annotations}))
    return file


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="100,1000,10000")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    table = make_table(
        f"{os.cpu_count()} cores", ("pictures", "ms a picture", "seconds", "parent MB", "worker MB")
    )
    rows = []
    for size in map(int, options.sizes.split(",")):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            file = link_pictures(folder, size)
            fast = ("--precision", "int8")
            start = run_command(file, folder / "out", "--limit", "1", *fast)
            full = run_command(file, folder / "out", *fast)
        each = 1000 * (full["seconds"] - start["seconds"]) / (size - 1)
        rows.append({"pictures": size, "ms_per_picture": each, **full})
        table.add_row(
            str(size), f"{each:.2f}", f"{full['seconds']:.1f}", f"{full['parent_mb']}",
            f"{full['worker_mb']}",
        )  # fmt: skip
    stdout.print(table)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"cores": os.cpu_count(), "jobs": rows}, indent=1))


if __name__ == "__main__":
    main()
