"""The command, started as a user does."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import make_picture
from tests.preloaded import Preloaded

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


@pytest.fixture(scope="session")
def annotated_dev(
    coco_dev: Path, tmp_path_factory: pytest.TempPathFactory, preloaded: Preloaded
) -> Path:
    """What the shipped weights find in the measuring data set's boxes.

    Its tests are in one group, so that one of the test processes annotates it.
    """
    folder = tmp_path_factory.mktemp("dev")
    words = [
        "annotate",
        str(coco_dev / "person_keypoints.json"),
        "-o",
        "own",
        "--precision",
        "int8",
    ]
    done = preloaded.run(words, folder, environment())
    assert done.returncode == 0, done.stderr
    return folder / "own"


@pytest.fixture
def mpn(tmp_path: Path, preloaded: Preloaded) -> Mpn:
    """Runs ``mpn`` with some arguments in an empty folder.

    Variables that Python itself or a library reads when it is loaded take a start of its own.
    """

    def run(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        words = [*map(str, arguments)]
        if all(name == "COLUMNS" or name.startswith("MPN_") for name in variables):
            return preloaded.run(words, tmp_path, environment(**variables))
        return subprocess.run(
            [*COMMAND, *words],
            cwd=tmp_path,
            env=environment(**variables),
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


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
def whole(photos: Path, fresh_weights: Path, preloaded: Preloaded) -> Path:
    """What an undisturbed run makes of them: the results that every other way must lead to."""
    words = f"annotate photos --model {fresh_weights} -o whole --workers 2 --shard-size 2"
    done = preloaded.run(words.split(), photos.parent, environment())
    assert done.returncode == 0, done.stderr
    return photos.parent / "whole"
