"""The command, started as a user does."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import make_picture

Mpn = Callable[..., subprocess.CompletedProcess[str]]

COMMAND = [sys.executable, "-m", "mpn_cli.cli.app"]


def environment(**changes: str) -> dict[str, str]:
    """No MPN_* of the user's, tables 80 columns wide, each picture one person.

    A PYTHONPATH is searched before the one that is set, so that the same mpn is tested.
    """
    if "PYTHONPATH" in changes and "PYTHONPATH" in os.environ:
        changes["PYTHONPATH"] += os.pathsep + os.environ["PYTHONPATH"]
    own = {name: value for name, value in os.environ.items() if not name.startswith("MPN_")}
    own.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled once, as where mpn is installed
    return {**own, "COLUMNS": "80", "MPN_DETECTOR": "full-image", **changes}


def run_mpn(folder: Path, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ``mpn`` with some arguments in a folder."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def mpn(tmp_path: Path) -> Mpn:
    """Runs ``mpn`` with some arguments in an empty folder."""
    return partial(run_mpn, tmp_path)


def many_pictures(tmp_path: Path, count: int = 24) -> Path:
    folder = tmp_path / "photos"
    for number in range(count):
        make_picture(folder / f"{number}.png", seed=number)
    return folder


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many pictures, which no test changes."""
    return many_pictures(tmp_path_factory.mktemp("many"))


@pytest.fixture(scope="session")
def whole(photos: Path, fresh_weights: Path) -> Path:
    """What an undisturbed run makes of them: the results that every other way must lead to."""
    options = ("--workers", 2, "--shard-size", 2, "-o", "whole")
    done = run_mpn(photos.parent, "annotate", photos, "--model", fresh_weights, *options)
    assert done.returncode == 0, done.stderr
    return photos.parent / "whole"
