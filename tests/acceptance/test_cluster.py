"""A Dask cluster, started as a user starts it: command lines, real processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from mpn_cli.base.version import __version__
from mpn_cli.engine.cluster_worker import greet
from mpn_cli.engine.folder import OutFolder
from mpn_cli.engine.job import Job
from mpn_cli.engine.ledger import Ledger
from mpn_cli.engine.parts import part_file, write_part
from mpn_cli.engine.worker import Orders
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.layers import resolve
from mpn_cli.options.recipes import make_recipe
from mpn_cli.results.poses import Counts, ShardResult
from mpn_cli.sources.tasks import Task
from tests.acceptance.conftest import COMMAND, Mpn, environment
from tests.acceptance.test_workers import results, wait_for_parts
from tests.conftest import make_picture

pytest.importorskip("distributed")

Start = Callable[..., subprocess.Popen[bytes]]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts processes that end with the test."""
    running: list[subprocess.Popen[bytes]] = []

    def run(*command: object, **changes: str) -> subprocess.Popen[bytes]:
        log = (tmp_path / f"log{len(running)}").open("wb")
        running.append(
            subprocess.Popen(
                list(map(str, command)),
                cwd=tmp_path,
                stdout=log,
                stderr=log,
                env=environment(**changes),
            )
        )
        return running[-1]

    yield run
    for process in running:
        process.kill()
        process.wait()


def scheduler(start: Start, port: int) -> subprocess.Popen[bytes]:
    return start(
        sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port",
        port, "--no-dashboard",
    )  # fmt: skip


def worker(start: Start, port: int, **changes: str) -> subprocess.Popen[bytes]:
    """One process with one thread, without a nanny that would start it anew."""
    return start(
        sys.executable, "-m", "distributed.cli.dask_worker", f"tcp://127.0.0.1:{port}",
        "--nthreads", 1, "--no-nanny", "--no-dashboard", **changes,
    )  # fmt: skip


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cluster") / "photos"
    for number in range(100):
        make_picture(folder / f"{number}.png", seed=number)
    return folder


def annotate(
    start: Start, photos: Path, weights: Path, port: int, out: str = "out"
) -> subprocess.Popen[bytes]:
    return start(
        *COMMAND, "annotate", photos, "--model", weights, "--cluster", f"tcp://127.0.0.1:{port}",
        "-o", out, "--shard-size", 2,
    )  # fmt: skip


@pytest.fixture(scope="module")
def local(photos: Path, fresh_weights: Path) -> list[bytes]:
    """What a run on this machine gives."""
    command = [*COMMAND, "annotate", photos, "--model", fresh_weights, "-o", "local",
               "--shard-size", 2]  # fmt: skip
    subprocess.run(list(map(str, command)), cwd=photos.parent, env=environment(), check=True)
    return results(photos.parent / "local")


def test_a_killed_worker_and_a_late_one_change_nothing(
    start: Start, tmp_path: Path, photos: Path, fresh_weights: Path, local: list[bytes]
) -> None:
    port = free_port()
    scheduler(start, port)
    first, _ = worker(start, port), worker(start, port)
    running = annotate(start, photos, fresh_weights, port)
    wait_for_parts(running, tmp_path / "out", 8)
    assert running.poll() is None
    first.send_signal(signal.SIGKILL)
    worker(start, port)
    assert running.wait(timeout=240) == 0
    assert results(tmp_path / "out") == local
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["options"]["cluster"]["value"].endswith(str(port))
    assert run["counts"]["pictures"] == 100


def test_a_lost_scheduler_and_a_killed_client_change_nothing(
    start: Start, tmp_path: Path, photos: Path, fresh_weights: Path, local: list[bytes]
) -> None:
    port = free_port()
    first = scheduler(start, port)
    worker(start, port), worker(start, port)
    running = annotate(start, photos, fresh_weights, port)
    wait_for_parts(running, tmp_path / "out", 8)
    first.send_signal(signal.SIGKILL)
    first.wait()
    time.sleep(2)
    scheduler(start, port)
    worker(start, port), worker(start, port)
    parts = len(list((tmp_path / "out" / "parts").glob("*.jsonl")))
    wait_for_parts(running, tmp_path / "out", parts + 6)
    assert running.poll() is None
    running.send_signal(signal.SIGKILL)
    running.wait()
    again = annotate(start, photos, fresh_weights, port)
    assert again.wait(timeout=240) == 0
    assert results(tmp_path / "out") == local


def test_stopping_keeps_what_is_done(
    start: Start, tmp_path: Path, photos: Path, fresh_weights: Path, local: list[bytes]
) -> None:
    port = free_port()
    scheduler(start, port)
    worker(start, port)
    running = annotate(start, photos, fresh_weights, port)
    wait_for_parts(running, tmp_path / "out", 5)
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=120) == 130
    assert 5 <= len(list((tmp_path / "out" / "parts").glob("*.jsonl"))) < 50
    assert annotate(start, photos, fresh_weights, port).wait(timeout=240) == 0
    assert results(tmp_path / "out") == local


def test_a_cluster_started_here(
    mpn: Mpn, tmp_path: Path, photos: Path, fresh_weights: Path, local: list[bytes]
) -> None:
    done = mpn("annotate", photos, "--model", fresh_weights, "-o", "out", "--shard-size", 2,
               "--cluster", "local", "--workers", 2)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert results(tmp_path / "out") == local


def test_workers_that_would_do_something_else_are_refused(
    mpn: Mpn, start: Start, tmp_path: Path, fresh_weights: Path
) -> None:
    make_picture(tmp_path / "photos" / "1.png")
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    done = mpn("annotate", "photos", "--model", fresh_weights, "--cluster", address)
    assert done.returncode == 2
    assert f"--cluster {address}: no scheduler answers there" in done.stderr
    scheduler(start, port)
    # A worker whose mpn says that it is another version.
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "sitecustomize.py").write_text(
        "import mpn_cli.base.version\nmpn_cli.base.version.__version__ = '0.0.1'\n"
    )
    search = os.pathsep.join([str(tmp_path / "old"), os.getcwd()])
    old = worker(start, port, PYTHONPATH=search)
    done = mpn("annotate", "photos", "--model", fresh_weights, "--cluster", address)
    assert done.returncode == 2, done.stderr
    assert "has mpn 0.0.1, the client" in done.stderr
    old.kill()
    old.wait()


def test_other_weights_on_a_worker_are_refused(fresh_weights: Path) -> None:
    settings = resolve(AnnotateOptions, {"model": str(fresh_weights)})
    recipe = make_recipe(settings, labelled=False)
    orders = Orders("job", recipe, fresh_weights.parent, threads=1)
    other = replace(orders, recipe=msgspec.structs.replace(recipe, weights_sha256="0" * 64))
    (fresh_weights.parent / "parts").mkdir(exist_ok=True)
    assert greet(orders, __version__) == ""
    assert "fresh.safetensors holds other weights of mobilepose" in greet(other, __version__)
    assert "has mpn" in greet(orders, "0.0.1")


def test_a_part_that_shared_storage_shows_late(tmp_path: Path, fresh_weights: Path) -> None:
    make_picture(tmp_path / "1.png")
    recipe = make_recipe(resolve(AnnotateOptions, {"model": str(fresh_weights)}), labelled=False)
    job = Job([Task(1, str(tmp_path / "1.png"), "1.png")], recipe, 4)
    with OutFolder(tmp_path / "out") as out:
        out.claim(job, resume=True)
        ledger = Ledger(job, out, lambda totals: None)
        header = write_part(tmp_path, job.hash, 0, ShardResult([], counts=Counts(full_image=1)))
        ledger.done(0, header)
        part = part_file(out.parts, 0)
        threading.Timer(1.0, lambda: part_file(tmp_path, 0).rename(part)).start()
        totals = ledger.totals()
    assert totals is not None
    assert totals.counts.full_image == 1
