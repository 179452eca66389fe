"""``mpn train`` and Ctrl-C, and two of them in one folder."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from mpn_cli.base.files import unfinished_file
from tests.acceptance.conftest import COMMAND, Mpn, environment
from tests.test_whose_mistake import data_set

OPTIONS = ("--stages", "64x48:5000", "--batch", "8", "--threads", "1", "--validate-epochs", "5000")


def wait_for(there: Path, running: subprocess.Popen[str]) -> None:
    patience = time.monotonic() + 120
    while not there.exists():
        assert running.poll() is None, running.stderr
        assert time.monotonic() < patience
        time.sleep(0.1)


def test_ctrl_c_ends_after_a_step_and_the_folder_is_one_run_s(mpn: Mpn, tmp_path: Path) -> None:
    data_set(tmp_path / "data")
    command = ("train", "data", "-o", "out", *OPTIONS)
    running = subprocess.Popen(
        [*COMMAND, *command], cwd=tmp_path, env=environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    wait_for(tmp_path / "out/cache", running)
    second = mpn(*command)
    assert second.returncode == 2
    assert second.stderr == "mpn: out/ is in use by another run of mpn\n"
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 130, said
    assert "stopping after the step in hand; once more stops at once" in said
    assert "the same command goes on from there" in said
    assert (tmp_path / "out/checkpoint.safetensors").is_file()


def test_a_second_ctrl_c_stops_while_caches_are_filled(tmp_path: Path) -> None:
    """Large pictures, of which a cache takes a while to fill."""
    file = data_set(tmp_path / "data")
    noise = np.random.default_rng(0).integers(0, 256, (4000, 4000, 3), dtype=np.uint8)
    content = cv2.imencode(".png", noise, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
    for picture in file.parent.glob("*.png"):
        picture.write_bytes(content)
    running = subprocess.Popen(
        [*COMMAND, "train", "data", "-o", "out", *OPTIONS], cwd=tmp_path, env=environment(),
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    wait_for(tmp_path / "out/cache", running)
    running.send_signal(signal.SIGINT)
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 130
    assert not (tmp_path / "out/log.jsonl").exists()
    assert not list((tmp_path / "out/cache").iterdir())


TWO_SIGNALS = """
import signal
from mpn_cli.cli.commands.stopping import stoppable

asked = []
before = signal.getsignal(signal.SIGTERM)
with stoppable(lambda: asked.append(True), "stopping"):
    signal.raise_signal(signal.SIGTERM)
    assert asked == [True]
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        print("interrupted")
assert signal.getsignal(signal.SIGTERM) is before
assert asked == [True]
"""


def test_the_first_asks_and_the_second_raises() -> None:
    """In a process of its own, for a signal that comes too late would end the tests."""
    done = subprocess.run(
        [sys.executable, "-c", TWO_SIGNALS],
        env=environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "interrupted\n"
    assert done.stderr == "mpn: stopping\n"


def test_an_unfinished_file_leaves_nothing(tmp_path: Path) -> None:
    def write_and_stop() -> None:
        with unfinished_file(tmp_path / "a.npy") as unfinished:
            unfinished.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_stop()
    assert not list(tmp_path.iterdir())
    with unfinished_file(tmp_path / "a.npy") as unfinished:
        unfinished.write_bytes(b"whole")
    assert (tmp_path / "a.npy").read_bytes() == b"whole"
