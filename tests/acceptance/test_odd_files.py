"""A folder of odd files through the whole command: each costs only itself, and is told."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pycocotools import coco

from tests.acceptance.conftest import COMMAND, Mpn, environment
from tests.conftest import ROOT, make_picture

FEW = ("--no-flip", "--workers", "1")


def fill(folder: Path) -> None:
    """Five good pictures under odd circumstances, and what can't be used."""
    for name in ("a.jpg", "odd.jpg", "corrupt.jpg", "a.png"):
        make_picture(folder / name, 300, 400)
    shutil.copy(folder / "a.png", folder / "a.png.jpg")
    jpeg = (folder / "a.jpg").read_bytes()
    (folder / "motion.jpg").write_bytes(jpeg + b"\x00\x00\x00\x18ftypmp42\xff\xda" + bytes(300))
    tiff = b"II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x02\x00\x02\x00\x00\x006\x00\x00\x00"
    block = b"Exif\x00\x00" + tiff + bytes(4)
    segment = b"\xff\xe1" + (len(block) + 2).to_bytes(2) + block
    (folder / "odd.jpg").write_bytes(jpeg[:2] + segment + jpeg[2:])
    (folder / "corrupt.jpg").write_bytes(jpeg[:-600] + jpeg[-300:])
    os.mkfifo(folder / "pipe.jpg")
    (folder / "zero.jpg").symlink_to("/dev/zero")
    shutil.copy(os.fsencode(folder / "a.jpg"), os.fsencode(folder) + b"/caf\xe9.jpg")
    for name in ("clip.wmv", "moving.gif", "other.gif", "notes"):
        (folder / name).touch()


def test_odd_files_cost_only_themselves(mpn: Mpn, tmp_path: Path, fresh_weights: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    fill(photos)
    out = os.fsdecode(os.fsencode(tmp_path) + b"/o\xff")
    done = mpn("annotate", photos, "--model", fresh_weights, *FEW, "--overlay", "--fast-decode",
               "-o", out)  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert done.stderr == ""  # libjpeg says something about corrupt.jpg, but names no file
    said = " ".join(done.stdout.split())
    assert "other files 4 .gif 2, .wmv 1, no suffix 1; videos of these kinds" in said
    place = Path(out)
    run = json.loads((place / "run.json").read_text())
    assert run["counts"]["pictures"] == 6
    assert run["counts"]["skipped"] == 3
    assert run["counts"]["other_files"] == {".gif": 2, ".wmv": 1, "no suffix": 1}
    lines = map(json.loads, (place / "skipped.jsonl").read_text().splitlines())
    reasons = {os.path.basename(line["path"]): line["reason"] for line in lines}
    assert reasons == {
        "caf\\xe9.jpg": "name", "pipe.jpg": "no regular file", "zero.jpg": "no regular file",
    }  # fmt: skip
    assert {file.name for file in (place / "overlays").iterdir()} == {
        "a.jpg", "odd.jpg", "corrupt.jpg", "motion.jpg", "a.png.jpg", "a.png.jpg.jpg",
    }  # fmt: skip
    truth = coco.COCO(str(place / "dataset.json"))
    assert {image["file_name"] for image in truth.imgs.values()} == {
        "a.jpg", "odd.jpg", "corrupt.jpg", "motion.jpg", "a.png", "a.png.jpg",
    }  # fmt: skip
    report = mpn("report", out, "--json")
    assert report.returncode == 0, report.stderr
    assert json.loads(report.stdout)["report"].endswith("o\\xff/report.html")


def test_options_that_do_nothing_say_so(mpn: Mpn, tmp_path: Path, fresh_weights: Path) -> None:
    make_picture(tmp_path / "photos/a.png")
    command = ("annotate", "photos", "--model", fresh_weights, *FEW)
    done = mpn(*command, "-o", "a", "--max-dets", "3", "--bbox-thr", "0.5")
    assert done.returncode == 0, done.stderr
    assert "--max-dets does nothing here: --nms hard keeps all" in done.stderr
    assert "--bbox-thr does nothing here" in done.stderr
    assert mpn(*command, "-o", "b", "--nms", "soft", "--max-dets", "3").stderr == ""
    assert "max-dets" in mpn(*command, "-o", "c", "--max-dets", str(2**70)).stderr


def test_a_dry_run_takes_a_sample_and_writes_nothing(
    mpn: Mpn, tmp_path: Path, fresh_weights: Path
) -> None:
    for number in range(5):
        make_picture(tmp_path / f"photos/{number}.png", seed=number)
    (tmp_path / "photos/notes.pdf").touch()
    done = mpn("annotate", "photos", "--model", fresh_weights, *FEW, "--overlay", "--dry-run",
               "--json", "-o", "out")  # fmt: skip
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["pictures"] == 5
    assert plan["other_files"] == {".pdf": 1}
    assert plan["seconds_expected"] > 0
    assert not (tmp_path / "out").exists()


def test_fuzzed_pictures_cost_only_themselves(tmp_path: Path, fresh_weights: Path) -> None:
    """A short run of what ``benchmarks/fuzz_pictures.py`` does with thousands."""
    result = tmp_path / "result.json"
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks/fuzz_pictures.py", "--pictures", "150", "--json",
         result, "--", "--model", fresh_weights, "--fast-decode"],
        capture_output=True, text=True, env=environment(), timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(result.read_text())
    assert found["exit"] == 3
    assert found["annotated"] > 30
    assert {"damaged", "truncated"} < found["reasons"].keys()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_standard_output_that_is_full_closed_or_plain(tmp_path: Path) -> None:
    def run(more: str, **variables: str) -> subprocess.CompletedProcess[str]:
        line = " ".join(map(str, COMMAND)) + f" {more}"
        return subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True,
            env=environment(**variables),
        )  # fmt: skip

    for command in ("backends -q", "fetch --json", "--help"):
        full = run(f"{command} > /dev/full")
        assert full.returncode == 2
        assert full.stderr == (
            "mpn: standard output can't be written: No space left on device\n"
        ), command
    closed = run("fetch | true; echo ${PIPESTATUS[0]}")
    assert closed.stderr == ""
    assert closed.stdout in ("141\n", "0\n")  # 0 where the pipe's reader was still there
    assert run("eval nowhere --gt nowhere 2> /dev/full").returncode == 2
    plain = run("nms-bench --images 2 --repeat 1 --backend hard", PYTHONIOENCODING="ascii")
    assert plain.returncode == 0, plain.stderr
    assert "us/picture" in plain.stdout
    gone = subprocess.run(
        ["bash", "-c", f"mkdir gone; cd gone; rmdir ../gone; {' '.join(map(str, COMMAND))} fetch"],
        cwd=tmp_path, capture_output=True, text=True,
        env=environment(PYTHONPATH=os.pathsep.join(filter(None, sys.path))),
    )  # fmt: skip
    assert gone.returncode == 2
    assert gone.stderr == "mpn: the working folder was deleted; go to one that is there\n"


def test_quiet_is_known_everywhere(mpn: Mpn, tmp_path: Path) -> None:
    for command, lines in (
        (("backends", "--quiet"), ["hard", "none"]),
        (("detectors", "-q"), ["full-image", "person"]),
        (("models", "-q"), ["mobileposenet-256x192"]),
    ):
        done = mpn(*command)
        assert (done.returncode, done.stderr) == (0, "")
        assert set(lines) <= set(done.stdout.split("\n"))
    gt = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 200, "height": 200}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 90, 90],
                         "area": 8100, "iscrowd": 0, "num_keypoints": 17,
                         "keypoints": [20, 30, 2, 70, 60, 2] * 8 + [5, 5, 2]}],
    }  # fmt: skip
    pose = {"image_id": 1, "category_id": 1, "score": 0.9, "bbox": [0, 0, 90, 90],
            "keypoints": gt["annotations"][0]["keypoints"]}  # fmt: skip
    (tmp_path / "gt.json").write_text(json.dumps(gt))
    (tmp_path / "out").mkdir()
    missing = mpn("eval", "out", "--gt", "gt.json")
    assert missing.returncode == 2
    assert "out/ holds no finished run of mpn annotate" in missing.stderr
    (tmp_path / "out/predictions.json").write_text(json.dumps([pose]))
    by_folder = mpn("eval", "out", "--gt", "gt.json", "--quiet", "--resamples", "0")
    assert by_folder.returncode == 0, by_folder.stderr
    assert by_folder.stderr == ""
    assert "By joint" not in by_folder.stdout
    assert "1.000" in by_folder.stdout
    narrow = mpn("eval", "out", "--gt", "gt.json", "-q", "--resamples", "0", COLUMNS="40")
    assert "…" not in narrow.stdout
    assert narrow.stdout.count("-1.000") == by_folder.stdout.count("-1.000") > 0
    bench = mpn("nms-bench", "out", "--backend", "hard", "-q", "--repeat", "1", "--json")
    assert json.loads(bench.stdout)["poses"] == 1, bench.stderr
