"""Worker processes: any number gives the same bytes, and their death costs nothing."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.acceptance.conftest import COMMAND, Mpn, environment, many_pictures
from tests.conftest import install_plugin, make_picture


def results(out: Path) -> list[bytes]:
    return [(out / name).read_bytes() for name in ("predictions.json", "dataset.json")]


def workers_of(parent: int) -> list[int]:
    """The loky workers a process has started."""
    found = []
    for thread in Path(f"/proc/{parent}/task").iterdir():
        found += [int(child) for child in (thread / "children").read_text().split()]
    return [
        child
        for child in found
        if b"popen_loky_posix" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def start(*arguments: object, cwd: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], cwd=cwd, env=environment(), stderr=subprocess.PIPE
    )


def wait_for_parts(running: subprocess.Popen[bytes], out: Path, parts: int) -> None:
    while running.poll() is None and len(list(out.glob("parts/*.jsonl"))) < parts:
        time.sleep(0.01)


def test_any_number_of_workers_gives_the_same_bytes(
    mpn: Mpn, tmp_path: Path, photos: Path, whole: Path, fresh_weights: Path
) -> None:
    for workers in (1, 4):  # the reference has two
        done = mpn("annotate", photos, "--model", fresh_weights, "--workers", workers,
                   "--shard-size", 2, "-o", f"out{workers}")  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert results(tmp_path / "out1") == results(tmp_path / "out4") == results(whole)


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs /proc")
def test_killed_workers_are_replaced(
    tmp_path: Path, photos: Path, whole: Path, fresh_weights: Path
) -> None:
    command = ("annotate", photos, "--model", fresh_weights, "--shard-size", 1, "--workers", 2)
    running = start(*command, "-o", "out", cwd=tmp_path)
    for parts in (2, 8):
        wait_for_parts(running, tmp_path / "out", parts)
        os.kill(workers_of(running.pid)[0], signal.SIGKILL)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 0, said
    assert results(tmp_path / "out") == results(whole)


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs /proc")
def test_workers_do_not_outlive_the_command(
    tmp_path: Path, photos: Path, fresh_weights: Path
) -> None:
    running = start("annotate", photos, "--model", fresh_weights, "--shard-size", 1, "--workers",
                    2, "-o", "out", cwd=tmp_path)  # fmt: skip
    wait_for_parts(running, tmp_path / "out", 2)
    workers = workers_of(running.pid)
    assert len(workers) == 2
    running.kill()
    running.communicate()
    until = time.monotonic() + 20
    while any(Path(f"/proc/{worker}/cmdline").exists() for worker in workers):
        assert time.monotonic() < until
        time.sleep(0.1)


DEADLY = """
import os
from mpn_cli.detectors.full_image import FullImage
class Deadly(FullImage):
    name = "deadly"
    def __call__(self, pictures):
        if any(picture.shape[1] == 77 for picture in pictures):
            os.abort()
        return super().__call__(pictures)
"""


def test_a_picture_that_kills_its_worker_costs_only_itself(
    mpn: Mpn, tmp_path: Path, whole: Path, fresh_weights: Path
) -> None:
    photos = many_pictures(tmp_path)
    site = tmp_path / "site"
    install_plugin(site, "deadly", "mpn.detectors", "deadly = deadly:Deadly", "deadly", DEADLY)
    command = ("annotate", photos, "--model", fresh_weights, "--shard-size", 8, "--detector",
               "deadly", "-o")  # fmt: skip
    killer = make_picture(photos / "99.png", width=77)
    done = mpn(*command, "out", PYTHONPATH=str(site))
    assert done.returncode == 3, done.stderr
    skipped = [json.loads(line) for line in (tmp_path / "out/skipped.jsonl").open()]
    assert [(one["path"], one["reason"]) for one in skipped] == [(str(killer), "crashed")]
    assert results(tmp_path / "out") == results(whole)
