"""``mpn annotate`` on real pictures, with real processes and files."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from pycocotools import coco

from mpn_cli.base.skeletons import COCO
from mpn_cli.engine.folder import OutFolder
from tests.acceptance.conftest import COMMAND, Mpn, environment, many_pictures
from tests.conftest import ROOT, make_picture

EXAMPLES = ROOT / "examples"
RESULTS = ("predictions.json", "dataset.json", "skipped.jsonl")


def results(out: Path) -> list[bytes]:
    return [(out / name).read_bytes() for name in RESULTS]


def test_the_examples_with_the_shipped_weights(mpn: Mpn, tmp_path: Path) -> None:
    boxes = EXAMPLES / "people.json"
    done = mpn("annotate", EXAMPLES, "--boxes", boxes, "-o", "out", "--overlay")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    out = tmp_path / "out"
    truth = coco.COCO(str(out / "dataset.json"))
    truth.loadRes(str(out / "predictions.json"))
    names = {image["file_name"] for image in truth.imgs.values()}
    assert names == {file.name for file in EXAMPLES.glob("*.jpg")}
    assert {file.name for file in (out / "overlays").iterdir()} == names
    assert not (out / "parts").exists()
    run = json.loads((out / "run.json").read_text())
    assert run["counts"]["people"] == len(truth.anns) == len(json.loads(boxes.read_text()))
    assert run["options"]["overlay"] == {"value": True, "from": "command line"}
    assert run["seconds"]["network"] > 0


def test_the_skier_is_found_where_she_is(mpn: Mpn, tmp_path: Path) -> None:
    """Joints of the easiest example, read off the picture by eye; the whole way must be right."""
    boxes = tmp_path / "boxes.json"
    boxes.write_text('[{"image_id": 785, "bbox": [281, 43, 241, 364]}]')
    (tmp_path / "one").mkdir()
    (tmp_path / "one/785.jpg").symlink_to(EXAMPLES / "000000000785.jpg")
    assert mpn("annotate", "one", "--boxes", boxes, "-o", "out").returncode == 0
    (pose,) = json.loads((tmp_path / "out/predictions.json").read_text())
    joints = dict(
        zip(COCO.keypoints, zip(*[iter(pose["keypoints"])] * 3, strict=True), strict=True)
    )
    for name, x, y in (
        ("nose", 367, 81), ("right_shoulder", 357, 113), ("left_shoulder", 411, 107),
        ("right_wrist", 295, 184), ("left_knee", 425, 286),
    ):  # fmt: skip
        found_x, found_y, confidence = joints[name]
        assert abs(found_x - x) < 25, name
        assert abs(found_y - y) < 25, name
        assert confidence > 0.2


def test_pictures_without_boxes_are_one_person_each(
    mpn: Mpn, tmp_path: Path, fresh_weights: Path
) -> None:
    done = mpn("annotate", EXAMPLES, "--model", fresh_weights, "--no-flip", "-o", "out")
    assert done.returncode == 0, done.stderr
    assert "one person is taken to fill each picture" in " ".join(done.stdout.split())
    found = json.loads((tmp_path / "out/predictions.json").read_text())
    assert found[0]["bbox"] == [0, 0, 640, 425]
    assert len(found) == 6


def test_again_is_the_same_and_done_already(mpn: Mpn, tmp_path: Path, fresh_weights: Path) -> None:
    command = ("annotate", EXAMPLES, "--model", fresh_weights, "--no-flip", "-o")
    assert mpn(*command, "a").returncode == 0
    assert mpn(*command, "b").returncode == 0
    assert results(tmp_path / "a") == results(tmp_path / "b")
    before = (tmp_path / "a/run.json").read_bytes()
    again = mpn(*command, "a")
    assert again.returncode == 0
    assert "complete already" in again.stderr
    assert (tmp_path / "a/run.json").read_bytes() == before
    other = mpn(*command, "a", "--kpt-thr", "0.2")
    assert other.returncode == 2
    assert "a/ holds another job (kpt thr 0.1, not 0.2)" in other.stderr
    assert mpn(*command, "a", "--kpt-thr", "0.2", "--no-resume").returncode == 0


def test_json_is_one_object_on_stdout(mpn: Mpn, fresh_weights: Path) -> None:
    done = mpn("annotate", EXAMPLES, "--model", fresh_weights, "--limit", "1", "--json")
    assert json.loads(done.stdout)["counts"]["pictures"] == 1
    plan = mpn("annotate", EXAMPLES, "--model", fresh_weights, "--dry-run", "--json", "-o", "no")
    assert json.loads(plan.stdout)["pictures"] == 6
    quiet = mpn("annotate", EXAMPLES, "--model", fresh_weights, "--limit", "1", "--quiet")
    assert (quiet.stdout, quiet.returncode) == ("", 0)


def test_options_come_from_files_and_variables(
    mpn: Mpn, tmp_path: Path, fresh_weights: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.mpn]\nkpt_thr = 0.3\nnms = "none"\n')
    (tmp_path / "mpn.toml").write_text(f'kpt_thr = 0.4\nbatch = 2\nmodel = "{fresh_weights}"\n')
    done = mpn("annotate", EXAMPLES, "--limit", "1", "--decode", "quarter", MPN_BATCH="3")
    assert done.returncode == 0, done.stderr
    options = json.loads((tmp_path / "mpn-out/run.json").read_text())["options"]
    assert options["kpt_thr"] == {"value": 0.4, "from": "mpn.toml"}
    assert options["batch"] == {"value": 3, "from": "environment"}
    assert options["nms"] == {"value": "none", "from": "pyproject.toml"}
    assert options["decode"] == {"value": "quarter", "from": "command line"}
    assert options["flip"] == {"value": True, "from": "default"}
    (tmp_path / "mpn.toml").write_text("kpt_treshold = 0.4\n")
    wrong = mpn("annotate", EXAMPLES)
    assert wrong.returncode == 2
    assert "mpn.toml: --kpt-treshold: unknown option" in wrong.stderr
    (tmp_path / "mpn.toml").write_text("not toml at all")
    assert mpn("annotate", EXAMPLES).returncode == 2


def test_bad_pictures_cost_only_themselves(mpn: Mpn, tmp_path: Path, fresh_weights: Path) -> None:
    folder = tmp_path / "photos"
    for number in range(3):
        make_picture(folder / f"good {number}.png", seed=number)
    make_picture(folder / "dot.png", 1, 1)
    whole = make_picture(folder / "torn.jpg").read_bytes()
    (folder / "torn.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("no picture")
    done = mpn("annotate", folder, "--model", fresh_weights, "-o", "out")
    assert done.returncode == 3, done.stderr
    assert done.stderr == ""
    skipped = [json.loads(line) for line in (tmp_path / "out/skipped.jsonl").open()]
    reasons = {Path(one["path"]).name: one["reason"] for one in skipped}
    assert reasons == {"torn.jpg": "truncated", "empty.jpg": "empty", "text.jpg": "no picture"}
    assert len(json.loads((tmp_path / "out/dataset.json").read_text())["images"]) == 4
    assert mpn("annotate", folder, "--model", fresh_weights, "-o", "out").returncode == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere/"], "mpn: nowhere/: no such file or folder"),
        (["nothing"], "mpn: no pictures in nothing"),
        (
            [EXAMPLES, "--model", "resnet"],
            "--model resnet: neither a weights file, onnx:FILE, nor one of",
        ),
        ([EXAMPLES, "--model", "mobileposenet-256x256-mpii"], "comes without weights"),
        ([EXAMPLES, "--model", "pickle.pth"], "pickled weights are not loaded"),
        (
            [EXAMPLES, "--nms", "fast"],
            "no NMS backend named fast; installed: hard, matrix, matrix-cuda, none, numba, soft",
        ),
        ([EXAMPLES, "--nms-method", "soft"], "NMS backend hard has no method soft"),
        ([EXAMPLES, "--detector", "x"], "no detector named x; installed: full-image"),
        ([EXAMPLES, "--precision", "int8", "--runtime", "torch"], "needs --runtime openvino"),
        ([EXAMPLES, "--nms-thr", "1.5"], "command line: --nms-thr: Input should be less than"),
        ([EXAMPLES, "--decode", "x"], "command line: --decode: Input should be 'quarter' or"),
        ([EXAMPLES, "-o", "/proc/mpn"], "/proc/mpn/ can't be written"),
    ],
)
def test_what_cant_be_done_is_one_line(
    mpn: Mpn, tmp_path: Path, arguments: list[object], message: str
) -> None:
    (tmp_path / "nothing").mkdir()
    (tmp_path / "pickle.pth").write_bytes(b"\x80\x04K\x01.")
    done = mpn("annotate", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_job_goes_on_where_it_was_stopped(
    tmp_path: Path, photos: Path, whole: Path, fresh_weights: Path, how: signal.Signals
) -> None:
    command = ("annotate", photos, "--model", fresh_weights, "--shard-size", "1", "-o")
    out = tmp_path / "out"
    stops = 0
    for _ in range(40):
        seen = len(list(out.glob("parts/*.jsonl")))
        running = subprocess.Popen(
            [*COMMAND, *map(str, command), str(out)], cwd=tmp_path, env=environment(),
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        while running.poll() is None and len(list(out.glob("parts/*.jsonl"))) < seen + 7:
            time.sleep(0.02)
        if how == signal.SIGINT:  # Ctrl-C reaches the workers, too
            os.killpg(running.pid, how)
        else:
            running.send_signal(how)
        _, said = running.communicate()
        if running.returncode == 0:
            break
        stops += 1
        assert running.returncode == (-9 if how == signal.SIGKILL else 130)
        if how != signal.SIGKILL:
            assert b"The same command goes on from there" in said
        published = out / "predictions.json"
        if seen + 7 + 3 < 24:  # up to three shards were in hand
            assert not published.exists()
        elif published.exists():  # stopped while the results were written: each is whole or absent
            assert published.read_bytes() == results(whole)[0]
    assert stops >= 2
    assert results(out) == results(whole)


def test_sigterm_before_the_first_shard(mpn: Mpn, tmp_path: Path) -> None:
    """While paths are still read from standard input."""
    running = subprocess.Popen(
        [*COMMAND, "annotate", "-"], cwd=tmp_path, env=environment(), stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    time.sleep(3)
    running.send_signal(signal.SIGTERM)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert b"Traceback" not in said


def test_a_damaged_part_is_done_again(mpn: Mpn, tmp_path: Path, fresh_weights: Path) -> None:
    folder = many_pictures(tmp_path, 8)
    command = ("annotate", folder, "--model", fresh_weights, "--shard-size", "2", "--keep-parts",
               "--no-flip", "-o", "out")  # fmt: skip
    assert mpn(*command).returncode == 0
    expected = results(tmp_path / "out")
    part = tmp_path / "out/parts/00000002.jsonl"
    part.write_bytes(part.read_bytes()[:-10])
    (tmp_path / "out/predictions.json").unlink()
    assert mpn(*command).returncode == 0
    assert results(tmp_path / "out") == expected


def test_two_runs_on_one_folder(mpn: Mpn, tmp_path: Path, fresh_weights: Path) -> None:
    with OutFolder(tmp_path / "out"):
        second = mpn("annotate", EXAMPLES, "--model", fresh_weights, "-o", "out")
    assert second.returncode == 2
    assert second.stderr == "mpn: out/ is in use by another run of mpn\n"


def test_a_job_of_which_nothing_was_done_gives_way(
    mpn: Mpn, tmp_path: Path, fresh_weights: Path
) -> None:
    (tmp_path / "out/parts").mkdir(parents=True)
    command = ("annotate", EXAMPLES, "--model", fresh_weights, "--limit", "1", "-o", "out")
    assert mpn(*command, "--keep-parts", "--kpt-thr", "0.2").returncode == 0
    for file in ("parts/00000000.jsonl", "run.json"):
        (tmp_path / "out" / file).unlink()
    assert mpn(*command).returncode == 0


FULL_DISK = """
import os
real, calls = os.fsync, []
def full(file):
    calls.append(file)
    if len(calls) == 3:
        os.write(os.open("/dev/full", os.O_WRONLY), b"x")
    real(file)
os.fsync = full
"""


def test_a_full_disk(mpn: Mpn, tmp_path: Path, fresh_weights: Path) -> None:
    """Each process's third write fails as writes to /dev/full do."""
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    folder = many_pictures(tmp_path)
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(FULL_DISK)
    command = ("annotate", folder, "--model", fresh_weights, "--shard-size", 2)
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    done = mpn(*command, PYTHONPATH=path)
    assert done.returncode == 2
    assert "mpn-out/ can't be written: No space left on device." in done.stderr
    assert "the same command goes on from there" in done.stderr
    assert done.stderr.count("\n") == 1
    assert mpn(*command).returncode == 0


def test_run_json_says_what_was_used(mpn: Mpn, tmp_path: Path, fresh_weights: Path) -> None:
    make_picture(tmp_path / "a.png")
    labels = {
        "images": [{"id": 1, "file_name": "a.png", "width": 99, "height": 99}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 4, "bbox": [9, 9, 50, 90]}],
        "categories": [{"id": 4, "name": "Human"}],
    }
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    command = ("annotate", "labels.json", "--model", fresh_weights, "--workers", "1")
    wrong = mpn(*command, "-o", "out")
    assert wrong.returncode == 2
    assert "no category is called person; there are: 4 Human. --person-category" in wrong.stderr
    done = mpn(*command, "-o", "out", "--person-category", "human", "--json")
    assert done.returncode == 0, done.stderr
    run = json.loads((tmp_path / "out/run.json").read_text())
    assert run["counts"]["people"] == 1
    assert run["counts"]["other_size"] == 1  # it is 120x160
    options = {name: one["value"] for name, one in run["options"].items()}
    assert (options["nms"], options["detector"], options["bbox_thr"]) == ("none", None, None)
    for name in ("runtime", "precision", "score", "joint_confidence"):
        assert options[name] == run["job"]["recipe"][name] != "auto"
    assert isinstance(options["shard_size"], int)
    soft = mpn("annotate", "a.png", "-o", "soft", "--model", fresh_weights, "--nms", "soft")
    assert soft.returncode == 0, soft.stderr
    run = json.loads((tmp_path / "soft/run.json").read_text())
    assert run["options"]["nms_method"] == {"value": "soft", "from": "default"}
    assert run["job"]["recipe"]["nms_method"] == "soft"
