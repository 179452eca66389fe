import json
import subprocess
import sys

import pytest

from tests.acceptance.conftest import Mpn


@pytest.mark.parametrize(
    "command",
    [
        "",
        "annotate",
        "train",
        "label",
        "pack",
        "quantise",
        "eval",
        "nms-bench",
        "convert",
        "export",
        "models",
        "backends",
        "detectors",
        "fetch",
        "doctor",
    ],
)
def test_help_has_an_example_and_fits(mpn: Mpn, command: str) -> None:
    done = mpn(*command.split(), "--help")
    assert done.returncode == 0
    assert "Example: mpn" in done.stdout or not command
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_version(mpn: Mpn) -> None:
    assert mpn("--version").stdout.startswith("mpn 0.")


def test_models_shows_the_counts_beside_the_papers(mpn: Mpn) -> None:
    done = mpn("models")
    assert "mobileposenet-256x192" in done.stdout
    assert "0.547 (0.55)" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    rows = {row["name"]: row for row in json.loads(mpn("models", "--json").stdout)["models"]}
    assert rows["mobileposenet-256x192"]["parameters"] <= 1.65e6


def test_listed_plugins(mpn: Mpn) -> None:
    for command, name in (("backends", "hard"), ("detectors", "full-image")):
        assert name in mpn(command).stdout
        rows = json.loads(mpn(command, "--json").stdout)["plugins"]
        assert name in [row["name"] for row in rows if row["loads"] == "yes"]


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, mpn_cli.cli.app as app\n"
        "sys.argv = ['mpn', '--help']\n"
        "try: app.main()\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch', 'numba', 'cv2', 'numpy', 'pydantic') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_unknown_command_and_option(mpn: Mpn) -> None:
    assert mpn("anotate").returncode == 2
    assert mpn("annotate", "x", "--nmss", "hard").returncode == 2


def test_train_says_what_it_cant_do(mpn: Mpn) -> None:
    for arguments, message in (
        (["nowhere"], "nowhere: No such file"),
        (["x", "--stages", "9"], "stage '9' is not HEIGHTxWIDTH:EPOCHS"),
        (["x", "--loss", "l1"], "--loss l1: not one of cross-entropy, mse"),
        (["x", "--mix", "1,2"], "--mix 1,2: 1 numbers"),
        (["x", "--model", "big"], "--model big: not one of"),
    ):
        done = mpn("train", *arguments, "-o", "out")
        assert done.returncode == 2
        assert message in done.stderr
