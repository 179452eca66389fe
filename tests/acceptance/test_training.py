"""``mpn train`` and what goes before and after it: label, pack, quantise."""

import json
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from mpn_models.registry import MODELS
from mpn_models.weights import load_weights

from mpn_cli.training.pose.people import load_people
from tests.acceptance.conftest import COMMAND, Mpn, environment
from tests.test_whose_mistake import data_set

TRAIN = ("--stages", "64x48:3", "--batch", "4", "--threads", "1", "--warmup", "2")


def test_a_run_stopped_and_gone_on_is_the_run_in_one(mpn: Mpn, tmp_path: Path) -> None:
    data_set(tmp_path / "data")
    command = ("train", "data", *TRAIN, "--augment", "crowd")
    done = mpn(*command, "-o", "whole", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["step"] == told["steps"] > 6
    assert 0 <= told["best_ap"] <= 1
    assert told["weights"] == "whole/best.safetensors"
    load_weights(tmp_path / told["weights"], MODELS["mobileposenet-256x192"])
    log = [json.loads(line) for line in (tmp_path / "whole/log.jsonl").read_text().splitlines()]
    assert log[-1]["step"] == told["steps"]
    assert max(event["ap"] for event in log if "ap" in event) == pytest.approx(told["best_ap"])

    running = subprocess.Popen(
        [*COMMAND, *command, "-o", "stopped", "--json"], cwd=tmp_path, env=environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while not (tmp_path / "stopped/log.jsonl").is_file() and running.poll() is None:
        time.sleep(0.02)  # the first epoch is validated
    running.send_signal(signal.SIGINT)
    output, said = running.communicate(timeout=120)
    assert running.returncode == 130, said
    assert 0 < json.loads(output)["step"] < told["steps"]
    done = mpn(*command, "-o", "stopped", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {**told, "weights": "stopped/best.safetensors"}
    once, twice = (tmp_path / f / "checkpoint.safetensors" for f in ("whole", "stopped"))
    assert once.read_bytes() == twice.read_bytes()


def test_packed_people_are_trained_on(mpn: Mpn, tmp_path: Path) -> None:
    for name in ("first", "second"):
        data_set(tmp_path / name)
    done = mpn("pack", "first", "second", "-o", "packed", "--most-mb", "0.1", "--json")
    assert done.returncode == 0, done.stderr
    sizes = json.loads(done.stdout)["files"]
    assert len(sizes) > 1
    assert all((tmp_path / name).stat().st_size == size <= 100_000 for name, size in sizes.items())
    command = ("train", *sizes, "--mix", "1,0.5", *TRAIN, "--stages", "64x48:1")
    done = mpn(*command, "-o", "out", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["step"] == json.loads(done.stdout)["steps"]
    recipe = json.loads((tmp_path / "out/recipe.json").read_text())
    assert recipe["data"] == ["out/unpacked/0-first", "out/unpacked/1-second"]
    assert recipe["mix"] == [1, 0.5]
    for name in sizes:
        (tmp_path / name).touch()
    assert mpn(*command, "-o", "out", "--json").stdout == done.stdout
    (tmp_path / "other").mkdir()
    (tmp_path / "other/recipe.json").write_text((tmp_path / "out/recipe.json").read_text())
    refused = mpn(*command, "-o", "other")
    assert refused.returncode == 2
    assert "other/ holds another run, of data that were not packed" in refused.stderr
    refused = mpn("pack", "first", "-o", "packed")
    assert refused.returncode == 2
    assert refused.stderr == "mpn: packed/crops-000.tar is there already; give another --out\n"


def test_found_joints_become_labels(mpn: Mpn, tmp_path: Path, fresh_weights: Path) -> None:
    file = data_set(tmp_path / "data", keypoints=[60, 70, 2] * 8 + [0, 0, 0] * 9)
    done = mpn("annotate", file, "-o", "found", "--model", fresh_weights)
    assert done.returncode == 0, done.stderr
    command = ("label", "data", "found/predictions.json", "-o", "more.json", "--least", "0")
    done = mpn(*command, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "out": "more.json", "people": 16, "found": 16, "joints": 16 * 9,
    }  # fmt: skip
    poses = {
        one["image_id"]: np.array(one["keypoints"]).reshape(-1, 3)
        for one in json.loads((tmp_path / "found/predictions.json").read_text())
    }
    for one in json.loads((tmp_path / "more.json").read_text())["annotations"]:
        labels, pose = np.array(one["keypoints"]).reshape(-1, 3), poses[one["image_id"]]
        assert (labels[:8] == (60, 70, 2)).all()
        assert (labels[8:, :2] == pose[8:, :2]).all()
        assert one["keypoint_confidences"] == [1] * 8 + pose[8:, 2].tolist()
    assert len(load_people(tmp_path / "more.json", 17)) == 16
    again = mpn(*command)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == "mpn: --out more.json is there already; give another file\n"


def test_weights_are_quantised(mpn: Mpn, tmp_path: Path, fresh_weights: Path) -> None:
    pytest.importorskip("nncf")
    data_set(tmp_path / "data")
    weights = tmp_path / "mine.safetensors"
    weights.write_bytes(fresh_weights.read_bytes())
    done = mpn("quantise", "data/person_keypoints.json", "--weights", weights, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"form": str(tmp_path / "mine-int8.xml")}
    found = {}
    for precision in ("fp32", "int8"):
        done = mpn(
            "annotate", "data/person_keypoints.json", "-o", precision, "--model", weights,
            "--precision", precision,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        results = json.loads((tmp_path / precision / "predictions.json").read_text())
        found[precision] = np.array([one["keypoints"] for one in results]).reshape(-1, 3)
    assert (found["fp32"] != found["int8"]).any()
    # Confidences of a quantised network are near those of the network.
    assert np.abs(found["fp32"][:, 2] - found["int8"][:, 2]).mean() < 0.1


def test_what_cant_be_quantised(mpn: Mpn, tmp_path: Path, fresh_weights: Path) -> None:
    data_set(tmp_path / "data")
    weights = tmp_path / "mine.safetensors"
    weights.write_bytes(fresh_weights.read_bytes())
    theirs = tmp_path / "mine-int8.bin"
    theirs.write_text("theirs")
    done = mpn("quantise", "data", "--weights", weights)
    assert done.returncode == 2
    if find_spec("nncf") is None:
        assert (
            done.stderr
            == "mpn: NNCF, which quantises, is not installed; pip install 'mobileposenet[int8]'\n"
        )
    else:
        assert "mine-int8.bin is there already, and mpn did not write it" in done.stderr
    assert theirs.read_text() == "theirs"
