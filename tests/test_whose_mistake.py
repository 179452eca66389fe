"""Whose mistake it is: the user's is one line and exit 2, a bug is reported as one."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from mpn_models.weights import WeightsError
from mpn_nms.contract import NmsInputError, NmsOutputError
from mpn_nms.plugins import PluginError

import mpn_cli
from mpn_cli.base.errors import ExitCode, InputError, MpnError, as_mpn_error
from mpn_cli.sources.reading import UnreadableError
from mpn_cli.training.data_sets import TrainingDataError
from tests.acceptance.conftest import Mpn
from tests.acceptance.conftest import mpn as mpn  # the fixture


@pytest.mark.parametrize(
    "error",
    [
        InputError("x"),
        TrainingDataError("x"),
        UnreadableError("damaged", "x"),
        PluginError("x"),
        WeightsError("x"),
        MemoryError(),
        FileNotFoundError(2, "No such file or directory", "photos/x.jpg"),
        OSError(28, "No space left on device"),
    ],
)
def test_what_the_user_can_mend(error: Exception) -> None:
    known = as_mpn_error(error)
    assert isinstance(known, MpnError)
    assert known.exit_code == ExitCode.USAGE
    assert str(known)
    assert "\n" not in str(known)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("operands could not be broadcast together with shapes (3,) (4,)"),
        KeyError("x"),
        IndexError("x"),
        LookupError("x"),
        AssertionError(),
        NmsInputError("areas hold NaN"),
        NmsOutputError("NMS backend hard returned a row twice"),
        OSError("without a number"),
        FileNotFoundError(
            2, "No such file", str(Path(mpn_cli.__file__).parent / "report/templates/page.html")
        ),
    ],
)
def test_what_is_a_bug(error: Exception) -> None:
    assert as_mpn_error(error) is None


def test_the_place_is_named() -> None:
    assert str(as_mpn_error(PermissionError(13, "Permission denied", "a/b"))) == (
        "a/b: Permission denied"
    )


def test_errors_can_be_sent_between_processes() -> None:
    error = pickle.loads(pickle.dumps(UnreadableError("damaged", "why")))
    assert (error.reason, str(error)) == ("damaged", "why")


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``mpn`` with some arguments in a process where ``code`` has run before."""
    program = f"{code}\nimport sys\nfrom mpn_cli.cli.app import main\nmain()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True, text=True, env={**os.environ, "COLUMNS": "80"},
    )  # fmt: skip


def data_set(folder: Path, **changes: object) -> Path:
    """A keypoint data set of sixteen people in as many pictures."""
    from tests.conftest import make_picture

    people = []
    for number in range(16):
        make_picture(folder / f"{number}.png", seed=number)
        people.append({"id": number + 1, "image_id": number, "category_id": 1,
                       "bbox": [10, 10, 90, 130], "keypoints": [60, 70, 2] * 17,
                       "num_keypoints": 17, "area": 11700, "iscrowd": 0, **changes})  # fmt: skip
    images = [{"id": n, "file_name": f"{n}.png", "width": 120, "height": 160} for n in range(16)]
    file = folder / "person_keypoints.json"
    file.write_text(json.dumps({"images": images, "annotations": people,
                                "categories": [{"id": 1, "name": "person"}]}))  # fmt: skip
    return file


TRAIN = ("--stages", "64x48:1", "--batch", "8", "--threads", "1", "--quiet")


def test_a_bug_in_training_is_no_mistake_of_the_users(tmp_path: Path) -> None:
    """A ValueError, as numpy raises for shapes that don't fit, from within the loss."""
    broken = (
        "import mpn_cli.training.pose.task as task\n"
        "def loss(*_): raise ValueError('shapes (3,) and (4,) do not fit')\n"
        "task.LOSSES = dict.fromkeys(task.LOSSES, loss)"
    )
    done = run(broken, "train", str(data_set(tmp_path)), "-o", str(tmp_path / "out"), *TRAIN)
    assert done.returncode == 1
    assert "internal error: ValueError: shapes (3,) and (4,) do not fit" in done.stderr


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bbox": [1, 2, 3]}, "annotation 1 has the box [1.0, 2.0, 3.0]"),
        ({"keypoint_confidences": [1.0]}, "annotation 1 has 1 keypoint_confidences for 17 joints"),
        ({"keypoints": [1, 2, 2] * 16}, "annotation 1 has 16 joints"),
    ],
)
def test_training_data_that_cant_be_used(
    mpn: Mpn, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    file = data_set(tmp_path, **changes)
    done = mpn("train", str(file), "-o", str(tmp_path / "out"), *TRAIN)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--mix", "nan"], "--mix nan: 1 numbers"),
        (["--mix", "inf"], "--mix inf: 1 numbers"),
        (["--stages", "64x48:nan"], "epochs over 0"),
        (["--stages", "64x48:inf"], "epochs over 0"),
        (["--init", "nowhere.safetensors"], "nowhere.safetensors: no such weights file"),
    ],
)
def test_training_options_that_cant_be_used(
    mpn: Mpn, tmp_path: Path, options: list[str], message: str
) -> None:
    file = data_set(tmp_path)
    done = mpn("train", str(file), "-o", str(tmp_path / "out"), *TRAIN, *options)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr


def test_places_that_cant_be_written(mpn: Mpn, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    data, weights = str(data_set(tmp_path / "data")), tmp_path / "out"
    assert mpn("train", data, "-o", str(weights), *TRAIN).returncode == 0
    (weights / "checkpoint.safetensors").write_bytes(b"torn")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/checkpoint.safetensors").write_bytes(b"torn")
    nowhere, bench = tmp_path / "none", ("nms-bench", "--images", "2", "--backend", "hard")
    for arguments, message in (
        ((*bench, "--markdown", f"{nowhere}/x.md"), "--markdown"),
        ((*bench, "--markdown", str(tmp_path)), "that is a folder"),
        ((*bench, "--plot", f"{nowhere}/x.svg"), "--plot"),
        (("train", data, "-o", "/proc/x", *TRAIN), "/proc/x"),
        (("train", data, "-o", f"{tmp_path}/file", *TRAIN), "file"),
        (("train", data, "-o", str(weights), *TRAIN), "not a readable checkpoint"),
        (("train", data, "-o", f"{tmp_path}/theirs", *TRAIN), "which mpn did not write"),
        (("report", str(nowhere)), "holds no finished run"),
    ):
        done = mpn(*arguments)
        assert done.returncode == 2, (arguments, done.stderr)
        assert message in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize(
    "pose",
    [{"bbox": [5, 5, 0, 10]}, {"area": 0}, {"area": -3.5}, {"bbox": [0, 0, 1e308, 1e308]}],
)
def test_candidates_without_a_size(mpn: Mpn, tmp_path: Path, pose: dict[str, object]) -> None:
    file = tmp_path / "c.json"
    file.write_text(
        json.dumps([{"image_id": 1, "keypoints": [1, 2, 0.5] * 17, "score": 1, **pose}])
    )
    done = mpn("nms-bench", str(file), "--backend", "hard")
    assert done.returncode == 2, done.stderr
    assert "result 0 has area" in done.stderr


def test_a_plug_in_that_fails_is_named(tmp_path: Path, fresh_weights: Path) -> None:
    """Somebody else's bug is neither ours nor the user's: the plug-in is named."""
    from tests.conftest import install_plugin, make_picture

    site = tmp_path / "site"
    code = "class Bad:\n name = 'bad'\n methods = ('hard',)\n def __call__(self, *_):\n  raise {}\n"
    install_plugin(site, "d", "mpn.detectors", "bad = d:Bad", "d", code.format("KeyError('x')"))
    install_plugin(site, "n", "mpn.nms_backends", "bad = n:Bad", "n", code.format("OSError(5)"))
    make_picture(tmp_path / "photos/a.png")
    for option in ("--detector", "--nms"):
        done = subprocess.run(
            [sys.executable, "-m", "mpn_cli.cli.app", "annotate", "photos", "--model",
             str(fresh_weights), "--no-flip", option, "bad", "-o", "out", "--workers", "1"],
            cwd=tmp_path, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *sys.path])},
        )  # fmt: skip
        assert done.returncode == 2, done.stderr
        assert "bad (a plug-in, module" in done.stderr
        assert done.stderr.count("\n") == 1
