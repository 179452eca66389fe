"""Every command's help, and the commands that tell of what is installed."""

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer
from mpn_models.registry import DEFAULT_MODEL

from mpn_cli.cli.app import app
from mpn_cli.networks.fetching import read_catalogue
from tests.acceptance.conftest import Mpn

COMMANDS = list(getattr(typer.main.get_command(app), "commands", {}))


@pytest.mark.parametrize("command", ["", *COMMANDS])
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


def test_the_doctor_tells_what_a_bug_report_needs(mpn: Mpn, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (cache / "mpn/networks").mkdir(parents=True)
    (cache / "mpn/networks/x.onnx").write_bytes(bytes(2_500_000))
    variables = {"XDG_CACHE_HOME": str(cache), "MPN_BATCH": "7"}
    found = json.loads(mpn("doctor", "--json", **variables).stdout)
    assert found["versions"]["python"] == platform.python_version()
    for library in ("numpy", "openvino", "torch", "opencv-python-headless"):
        assert found["versions"][library] == version(library)
    assert found["weights"][DEFAULT_MODEL] == "shipped"
    assert found["caches"] == {
        str(cache / "mpn/openvino"): "empty",
        str(cache / "mpn/networks"): "2.5 MB in 1 files",
    }
    assert found["environment"]["MPN_BATCH"] == "7"
    assert found["machine"]["cores"].endswith(f"of {os.cpu_count()}")
    shown = mpn("doctor", "--quiet", **variables).stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert f"python {platform.python_version()}" in " ".join(shown.split())
    assert str(cache) not in shown


def test_networks_that_can_be_fetched_are_listed(
    mpn: Mpn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a network: through a proxy that is not there."""
    variables = {"XDG_CACHE_HOME": str(tmp_path), "HTTPS_PROXY": "http://127.0.0.1:1"}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (entry,) = read_catalogue().values()
    rows = json.loads(mpn("fetch", "--json", **variables).stdout)["networks"]
    assert [(row["name"], row["fetched"]) for row in rows] == [(entry.name, False)]
    entry.file.parent.mkdir(parents=True)
    entry.file.write_bytes(b"what another version of mpn fetched")
    table = mpn("fetch", **variables).stdout
    assert max(map(len, table.splitlines())) <= 80
    assert entry.about in " ".join(table.split())
    for name, message in (("x", "no network named x; known: "), (entry.name, "can't be reached")):
        done = mpn("fetch", name, **variables)
        assert done.returncode == 2
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
    assert entry.file.read_bytes() == b"what another version of mpn fetched"


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
