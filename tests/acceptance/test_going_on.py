"""The same command, or one that changes no byte of the results, goes on from what is there."""

import json
import os
import pty
import shutil
import signal
import subprocess
import time
from pathlib import Path

import cv2
import pytest

from mpn_cli.engine.parts import read_header
from mpn_cli.sources.gather import gather
from tests.acceptance.conftest import COMMAND, Mpn, environment, many_pictures
from tests.conftest import make_picture
from tests.engine.test_parts import in_the_old_form

RESULTS = ("predictions.json", "dataset.json")


def results(out: Path) -> list[bytes]:
    return [(out / name).read_bytes() for name in RESULTS]


def stamps(folder: Path) -> dict[str, int]:
    return {str(file): file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}


def stopped_after(
    parts: int, folder: Path, arguments: list[str], how: signal.Signals, group: bool = False
) -> subprocess.Popen[bytes]:
    """A run in ``folder``, sent a signal when so many parts are there; it has ended."""
    running = subprocess.Popen(
        [*COMMAND, *arguments], cwd=folder, env=environment(), stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    while running.poll() is None and len(list(folder.glob("*/parts/0*.jsonl"))) < parts:
        time.sleep(0.02)
    if group:
        os.killpg(running.pid, how)
    else:
        running.send_signal(how)
    running.wait(timeout=120)
    return running


def test_out_inside_the_source(tmp_path: Path, whole: Path, fresh_weights: Path) -> None:
    folder = many_pictures(tmp_path)
    command = ["annotate", ".", "--model", str(fresh_weights), "--overlay", "--shard-size", "2"]
    assert stopped_after(2, folder, command, signal.SIGINT).returncode == 130
    for _ in range(2):
        again = subprocess.run(
            [*COMMAND, *command], cwd=folder, env=environment(), capture_output=True, text=True
        )
        assert again.returncode == 0, again.stderr
    assert "is complete already" in again.stderr
    assert results(folder / "mpn-out") == results(whole)
    assert b"overlays" not in results(folder / "mpn-out")[1]


def test_what_mpn_drew_is_no_source(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for name in ("a.png", "in/b.png", "overlays/c.png", "out/overlays/a.png.jpg", "out/own.jpg",
                 "in/earlier/overlays/b.png.jpg", "running/overlays/x.jpg"):  # fmt: skip
        make_picture(photos / name)
    mark = json.dumps({"job": {"recipe": {"weights_sha256": "0" * 64}}})
    (photos / "in/earlier/run.json").write_text(mark)
    (photos / "running/parts").mkdir()
    (photos / "running/parts/job.json").write_text(json.dumps(json.loads(mark)["job"]))
    (tmp_path / "link").symlink_to(photos)

    def found(*sources: str, out: str = str(photos / "out")) -> list[str]:
        return [task.file_name for task in gather([str(one) for one in sources], out=out).tasks]

    expected = ["a.png", "in/b.png", "overlays/c.png"]
    assert found(str(photos)) == expected
    assert found(str(tmp_path / "link")) == expected
    assert found(str(photos), out=str(tmp_path / "link/out")) == expected
    assert found(f"{photos}/**/*.*") == expected
    # Without a job in it, a folder called overlays is like any other.
    other = ["out/overlays/a.png.jpg", "out/own.jpg"]
    assert found(str(photos), out=str(photos / "in")) == ["a.png", *other, "overlays/c.png"]
    assert found(str(photos), out=str(tmp_path / "else")) == [
        "a.png", "in/b.png", *other, "overlays/c.png"
    ]  # fmt: skip
    # What is named by the user is meant.
    assert found(str(photos / "in/earlier/overlays")) == ["b.png.jpg"]
    assert found(str(photos / "running/overlays/x.jpg")) == ["x.jpg"]


def test_options_that_change_no_byte_may_come_afterwards(
    mpn: Mpn, tmp_path: Path, fresh_weights: Path
) -> None:
    for number in range(6):
        make_picture(tmp_path / f"pics/{number}.png", seed=number)
    command = ("annotate", "pics", "--model", fresh_weights, "--no-flip", "--shard-size", 2, "-o",
               "out")  # fmt: skip
    assert mpn(*command, "--quiet").returncode == 0
    out = tmp_path / "out"
    before = results(out), {name: os.stat(out / name).st_mtime_ns for name in RESULTS}
    for more in (["--batch", 3], ["--shard-size", 5], ["--workers", 1], ["--no-overlay"]):
        again = mpn(*command, *more)
        assert (again.returncode, "is complete already" in again.stderr) == (0, True), more
    assert mpn(*command, "--overlay").returncode == 0
    overlays = {file.name: file.read_bytes() for file in (out / "overlays").iterdir()}
    assert sorted(overlays) == [f"{number}.png.jpg" for number in range(6)]
    assert not (out / "parts").exists()
    assert mpn(*command, "--overlay", "--overlay-boxes").returncode == 0
    boxed = {file.name: file.read_bytes() for file in (out / "overlays").iterdir()}
    assert boxed.keys() == overlays.keys()
    assert any(boxed[name] != content for name, content in overlays.items())
    assert (results(out), {name: os.stat(out / name).st_mtime_ns for name in RESULTS}) == before
    run = json.loads((out / "run.json").read_text())
    assert run["options"]["overlay_boxes"] == {"value": True, "from": "command line"}
    drawn = stamps(out / "overlays")
    assert mpn(*command, "--overlay", "--overlay-boxes").returncode == 0
    assert stamps(out / "overlays") == drawn
    # The same as if they had been asked for at once.
    other = [*command[:-1], "at-once", "--overlay", "--overlay-boxes", "--batch", 3]
    assert mpn(*other).returncode == 0
    assert {f.name: f.read_bytes() for f in (tmp_path / "at-once/overlays").iterdir()} == boxed
    assert results(tmp_path / "at-once") == before[0]


def test_overlays_and_another_shard_size_for_a_job_under_way(
    mpn: Mpn, tmp_path: Path, whole: Path, fresh_weights: Path
) -> None:
    many_pictures(tmp_path)
    command = ["annotate", "photos", "--model", str(fresh_weights), "-o", "out"]
    stopped = stopped_after(3, tmp_path, [*command, "--shard-size", "1"], signal.SIGKILL)
    assert stopped.returncode == -signal.SIGKILL
    parts = stamps(tmp_path / "out/parts")
    kept = mpn(*command, "--overlay", "--batch", 2, "--keep-parts")
    assert kept.returncode == 0, kept.stderr
    assert len(list((tmp_path / "out/parts").glob("0*.jsonl"))) == 24
    assert len(parts) >= 3
    assert len(list((tmp_path / "out/overlays").iterdir())) == 24
    assert results(tmp_path / "out") == results(whole)


def test_a_picture_more(mpn: Mpn, tmp_path: Path) -> None:
    """Results of pictures that were there are reused, with the ids that they have now."""
    for number in range(12):
        make_picture(tmp_path / f"pics/p{number:02d}.png", seed=number)
    command = ("annotate", "pics", "--no-flip", "--shard-size", 3, "--overlay", "-o")
    assert mpn(*command, "out", "--quiet").returncode == 0
    run = json.loads((tmp_path / "out/run.json").read_text())
    make_picture(tmp_path / "pics/p05a.png", seed=77)
    (tmp_path / "pics/p11a.jpg").write_text("no picture")
    more = mpn(*command, "out")
    assert more.returncode == 3, more.stderr
    assert "out/ holds 12 of these 14 pictures" in more.stderr
    assert mpn(*command, "fresh").returncode == 3
    assert results(tmp_path / "out") == results(tmp_path / "fresh")
    counts = json.loads((tmp_path / "out/run.json").read_text())["counts"]
    # Shards of three: 00-02, 03-05, 05a-07, 08-10, 11-11a; the third and the last are new.
    assert (counts["reused"], counts["pictures"], counts["skipped"]) == (9, 13, 1)
    assert counts["full_image"] == 13
    assert run["counts"]["reused"] == 0
    assert sorted(f.name for f in (tmp_path / "out/overlays").iterdir()) == sorted(
        f.name for f in (tmp_path / "fresh/overlays").iterdir()
    )
    for fewer in (["--limit", 3], ["--kpt-thr", 0.2]):
        refused = mpn(*command, "out", *fewer)
        assert refused.returncode == 2
        assert "out/ holds another job (" in refused.stderr
    assert "11 of its 14 pictures changed since, or are not among these" in mpn(
        *command, "out", "--limit", 3
    ).stderr  # fmt: skip
    make_picture(tmp_path / "pics/p00.png", seed=99)
    assert "1 of its 14 pictures changed since" in mpn(*command, "out").stderr
    assert results(tmp_path / "out") == results(tmp_path / "fresh")


def test_pictures_added_and_stopped(mpn: Mpn, tmp_path: Path) -> None:
    many_pictures(tmp_path)
    command = ["annotate", "photos", "--shard-size", "1", "--pose-thr", "1", "--no-flip",
               "-o", "out"]  # fmt: skip
    assert mpn(*command, "--quiet").returncode == 0
    for number in range(24):
        make_picture(tmp_path / f"photos/more {number}.png", seed=100 + number)
    stopped = stopped_after(27, tmp_path, command, signal.SIGKILL)
    assert stopped.returncode == -signal.SIGKILL
    assert mpn(*command, "--quiet").returncode == 0
    assert mpn(*command[:-1], "fresh", "--quiet").returncode == 0
    assert results(tmp_path / "out") == results(tmp_path / "fresh")
    counts, fresh = (
        json.loads((tmp_path / name / "run.json").read_text())["counts"]
        for name in ("out", "fresh")
    )
    assert counts["kept_out"] == fresh["kept_out"] == fresh["people"] == 48


def test_a_clean_up_that_was_cut_off(mpn: Mpn, tmp_path: Path, fresh_weights: Path) -> None:
    for number in range(6):
        make_picture(tmp_path / f"pics/{number}.png", seed=number)
    command = ("annotate", "pics", "--model", fresh_weights, "--no-flip", "--shard-size", 1, "-o",
               "out")  # fmt: skip
    assert mpn(*command, "--keep-parts").returncode == 0
    out, whole = tmp_path / "out", tmp_path / "whole"
    shutil.copytree(out, whole)
    for gone in (["job.json"], ["job.json", "00000000.jsonl"], ["00000003.jsonl"], []):
        shutil.rmtree(out)
        shutil.copytree(whole, out)
        for name in gone:
            (out / "parts" / name).unlink()
        before = {name: os.stat(out / name).st_mtime_ns for name in RESULTS}
        again = mpn(*command)
        assert "out/ is complete already" in again.stderr, gone
        assert {name: os.stat(out / name).st_mtime_ns for name in RESULTS} == before
        assert not (out / "parts").exists()


@pytest.mark.parametrize("group", [True, False])
def test_a_closed_terminal(
    mpn: Mpn, tmp_path: Path, whole: Path, fresh_weights: Path, group: bool
) -> None:
    if not os.path.isdir("/dev/shm"):
        pytest.skip("needs /dev/shm")
    many_pictures(tmp_path)
    command = ["annotate", "photos", "--model", str(fresh_weights), "--shard-size", "1", "-o",
               "out"]  # fmt: skip
    running = stopped_after(2, tmp_path, command, signal.SIGHUP, group)
    assert running.returncode == 130
    patience = time.monotonic() + 20
    while _semaphores(running.pid) and time.monotonic() < patience:
        time.sleep(0.2)
    assert not _semaphores(running.pid)
    assert mpn(*command).returncode == 0
    assert results(tmp_path / "out") == results(whole)


def _semaphores(process: int) -> list[str]:
    return [name for name in os.listdir("/dev/shm") if f"loky-{process}-" in name]


def test_a_terminal_that_is_gone(tmp_path: Path, fresh_weights: Path) -> None:
    """With a progress bar on it: what can't be written any more is no error."""
    many_pictures(tmp_path)
    master, slave = pty.openpty()
    running = subprocess.Popen(
        [*COMMAND, "annotate", "photos", "--model", str(fresh_weights), "--shard-size", "1"],
        cwd=tmp_path, env=environment(TERM="xterm"), stdin=slave, stdout=slave, stderr=slave,
        start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    while running.poll() is None and not list(tmp_path.glob("mpn-out/parts/0*.jsonl")):
        time.sleep(0.02)
        os.set_blocking(master, False)
        try:
            os.read(master, 1 << 16)
        except BlockingIOError:
            continue
    os.close(master)  # what is written to it fails from now on
    running.send_signal(signal.SIGHUP)
    assert running.wait(timeout=120) == 130


def test_nohup(tmp_path: Path, fresh_weights: Path) -> None:
    many_pictures(tmp_path)
    running = subprocess.Popen(
        ["nohup", *COMMAND, "annotate", "photos", "--model", str(fresh_weights), "--quiet"],
        cwd=tmp_path, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    while running.poll() is None and not list(tmp_path.glob("mpn-out/parts/job.json")):
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGHUP)
    assert running.wait(timeout=120) == 0


SLOW_IMPORT = """
import importlib.abc, os, sys, time
class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "numpy":
            sys.meta_path.remove(self)
            open(os.environ["STARTED"], "w").close()
            try:
                time.sleep(60)
            except KeyboardInterrupt:
                if os.environ["SWALLOWED"]:  # as libraries written in C do
                    raise ImportError("initialization failed")
                raise
sys.meta_path.insert(0, Slow())
"""


@pytest.mark.parametrize("swallowed", ["yes", ""])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_while_libraries_load(tmp_path: Path, how: signal.Signals, swallowed: str) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(SLOW_IMPORT)
    path = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    running = subprocess.Popen(
        [*COMMAND, "annotate", "photos"], cwd=tmp_path, stderr=subprocess.PIPE,
        env=environment(
            PYTHONPATH=path, STARTED=str(tmp_path / "started"), SWALLOWED=swallowed
        ),
    )  # fmt: skip
    while running.poll() is None and not (tmp_path / "started").exists():
        time.sleep(0.02)
    running.send_signal(how)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert said == b"mpn: stopped. The same command goes on from there.\n"


def test_overlays_are_the_pictures_with_poses(mpn: Mpn, tmp_path: Path) -> None:
    make_picture(tmp_path / "pics/1.png")
    assert mpn("annotate", "pics", "-o", "out", "--overlay", "--quiet").returncode == 0
    drawn = cv2.imread(str(tmp_path / "out/overlays/1.png.jpg"))
    original = cv2.imread(str(tmp_path / "pics/1.png"))
    assert drawn is not None
    assert original is not None
    assert drawn.shape == original.shape


def test_parts_of_an_older_version_are_done_again(
    mpn: Mpn, tmp_path: Path, whole: Path, fresh_weights: Path
) -> None:
    many_pictures(tmp_path)
    command = ["annotate", "photos", "--model", str(fresh_weights), "--shard-size", "2", "-o",
               "out"]  # fmt: skip
    assert stopped_after(3, tmp_path, command, signal.SIGKILL).returncode == -signal.SIGKILL
    old = sorted((tmp_path / "out/parts").glob("0*.jsonl"))[:2]
    for part in old:
        in_the_old_form(part)
    done = mpn(*command, "--keep-parts")
    assert done.returncode == 0, done.stderr
    assert all(read_header(part.parent, job_of(part), int(part.stem)) for part in old)
    assert results(tmp_path / "out") == results(whole)


def job_of(part: Path) -> str:
    return str(json.loads((part.parent / "job.json").read_text())["hash"])
