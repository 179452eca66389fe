"""The command, started as a user does."""

import os
import subprocess
import sys
from collections.abc import Callable
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
    return {**own, "COLUMNS": "80", "MPN_DETECTOR": "full-image", **changes}


@pytest.fixture
def mpn(tmp_path: Path) -> Mpn:
    """Runs ``mpn`` with some arguments in an empty folder."""

    def run(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            env=environment(**variables),
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


def many_pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for number in range(24):
        make_picture(folder / f"{number}.png", seed=number)
    return folder
