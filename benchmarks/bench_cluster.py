"""A Dask cluster against this machine's own processes, and what a shard costs beside its work.

    python benchmarks/bench_cluster.py [--measure throughput,overhead,memory] [--shards 100000]
        [--pictures 400] [--json FILE]

Three measurements, all with a real scheduler and one-thread workers started as processes:

- throughput: the same pictures by ``mpn annotate`` with two processes, and with two workers;
- overhead: shards that only write an empty part, through our feeding and through joblib's backend;
- memory: so many simulated shards (a sleep in place of the network), this client's memory.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

from mpn_cli.engine.cluster import run_on_cluster
from mpn_cli.engine.folder import PARTS, OutFolder
from mpn_cli.engine.job import Job
from mpn_cli.engine.parts import PartHeader, write_part
from mpn_cli.engine.worker import Orders
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.layers import resolve
from mpn_cli.options.recipes import make_recipe
from mpn_cli.results.poses import Counts, ShardResult
from mpn_cli.sources.tasks import Task

EXAMPLES = Path(__file__).parents[1] / "examples"

WORKERS = 2


def empty_part(orders: Orders, version: str, number: int, tasks: Sequence[Task]) -> PartHeader:
    """A shard without any work but its part."""
    return write_part(orders.out / PARTS, orders.job, number, ShardResult([]))


def sleeping(orders: Orders, version: str, number: int, tasks: Sequence[Task]) -> PartHeader:
    """A shard whose network is a sleep of a millisecond; it leaves no file behind."""
    time.sleep(0.001)
    counts = Counts(pictures=len(tasks), seconds={"network": 0.001})
    return PartHeader(orders.job, number, counts, [])


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """A scheduler and two one-thread workers, each a process; the scheduler's address."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{one.getsockname()[1]}"
    port = address.rpartition(":")[2]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    module = [sys.executable, "-m"]
    started = [
        subprocess.Popen(
            [*module, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port,
             "--no-dashboard"], **quiet,
        )
    ]  # fmt: skip
    started += [
        subprocess.Popen(
            [*module, "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard",
             "--preload", __file__], **quiet,
        )
        for _ in range(WORKERS)
    ]  # fmt: skip
    time.sleep(6)
    try:
        yield address
    finally:
        for process in started:
            process.terminate()


def simulated_job(shards: int) -> Job:
    """A job of so many one-picture shards."""
    recipe = make_recipe(resolve(AnnotateOptions, {}), labelled=False)
    return Job([Task(n, "/", f"{n}.jpg") for n in range(1, shards + 1)], recipe, 1)


def resident() -> int:
    """Memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 // 10**6


def run_simulated(job: Job, address: str, folder: Path, work: Any) -> tuple[float, list[int]]:
    """Seconds, and this process' memory each tenth of the way."""
    memory: list[int] = []

    def watch(totals: Any) -> None:
        done = sum(1 for _ in memory)
        if seen[0] >= done * job.shards // 10:
            memory.append(resident())
        seen[0] += 1

    seen = [0]
    stop = Event()
    shutil.rmtree(folder, ignore_errors=True)
    with OutFolder(folder) as out:
        out.claim(job, resume=False)
        started = time.perf_counter()
        # The totals at the end would wait for parts that a simulation does not write.
        with contextlib.suppress(_EnoughError):
            run_on_cluster(job, out, address, None, stop, _until(job, watch), print, work)
        return time.perf_counter() - started, memory


class _EnoughError(Exception):
    pass


def _until(job: Job, watch: Any) -> Any:
    calls = [0]

    def progress(totals: Any) -> None:
        watch(totals)
        calls[0] += 1
        if calls[0] > job.shards:
            raise _EnoughError

    return progress


def run_joblib(job: Job, address: str, folder: Path) -> float:
    """The empty shards through joblib's dask backend."""
    import joblib

    distributed: Any = importlib.import_module("distributed")

    with OutFolder(folder) as out:
        out.claim(job, resume=False)
        orders = Orders(job.hash, job.recipe, out.path.absolute(), 1)
        with distributed.Client(address), joblib.parallel_config("dask"):
            started = time.perf_counter()
            joblib.Parallel()(
                joblib.delayed(empty_part)(orders, "", n, job.shard(n)) for n in range(job.shards)
            )
            return time.perf_counter() - started


def throughput(folder: Path, pictures: int, address: str) -> dict[str, float]:
    """Pictures a second of the whole command, start-up taken off by a run of one picture."""
    photos = folder / "photos"
    photos.mkdir()
    sources = sorted(EXAMPLES.glob("*.jpg"))
    for number in range(pictures):
        shutil.copy(sources[number % len(sources)], photos / f"{number + 1}.jpg")
    rates: dict[str, list[float]] = {"own processes": [], "cluster": []}
    for _ in range(3):
        for name, options in (
            ("own processes", ["--workers", str(WORKERS)]), ("cluster", ["--cluster", address]),
        ):  # fmt: skip
            seconds = []
            for limit in (2, pictures):
                command = [sys.executable, "-m", "mpn_cli.cli.app", "annotate", str(photos), "-o",
                           str(folder / "out"), "--no-resume", "--limit", str(limit), "--quiet",
                           "--shard-size", "8", *options]  # fmt: skip
                started = time.perf_counter()
                subprocess.run(command, check=True)
                seconds.append(time.perf_counter() - started)
            rates[name].append((pictures - 2) / (seconds[1] - seconds[0]))
    return {name: sorted(values)[1] for name, values in rates.items()}


def main() -> None:
    """Measure, print and write."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--measure", default="throughput,overhead,memory")
    arguments.add_argument("--shards", type=int, default=100_000)
    arguments.add_argument("--pictures", type=int, default=400)
    arguments.add_argument("--json", type=Path)
    given = arguments.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, cluster() as address:
        folder = Path(name)
        if "throughput" in given.measure:
            rates = throughput(folder, given.pictures, address)
            found["pictures a second"] = rates
            print({name: round(rate, 1) for name, rate in rates.items()},
                  f"cluster / own: {rates['cluster'] / rates['own processes']:.2f}")  # fmt: skip
        if "overhead" in given.measure:
            few = simulated_job(3000)
            seconds, _ = run_simulated(few, address, folder / "ours", empty_part)
            found["ms a shard, ours"] = 1000 * seconds / few.shards
            found["ms a shard, joblib"] = (
                1000 * run_joblib(few, address, folder / "joblib") / few.shards
            )
            print({key: round(value, 3) for key, value in found.items() if key.startswith("ms")})
        if "memory" in given.measure:
            many = simulated_job(given.shards)
            seconds, memory = run_simulated(many, address, folder / "many", sleeping)
            found["simulated"] = {"shards": given.shards, "seconds": seconds, "client MB": memory}
            print(f"{given.shards} simulated shards: {seconds:.0f} s, client MB: {memory}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
