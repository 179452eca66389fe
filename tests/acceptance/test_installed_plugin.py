"""A distribution of somebody else's, installed by pip into a folder of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import Mpn
from tests.conftest import ROOT, make_picture


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder),
         str(ROOT / "tests" / "plugin_distribution")],
        check=True,
    )  # fmt: skip
    return folder


def test_it_is_listed_used_and_blamed(
    mpn: Mpn, site: Path, tmp_path: Path, fresh_weights: Path
) -> None:
    rows = json.loads(mpn("backends", "--json", PYTHONPATH=str(site)).stdout)["plugins"]
    theirs = {row["name"]: row for row in rows if row["distribution"] == "box-nms-for-mpn"}
    assert theirs["keypoint-box"]["loads"] == "yes"
    assert theirs["keypoint-box"]["version"] == "1.4"
    assert "NoSuchThing" in theirs["broken"]["loads"]
    make_picture(tmp_path / "photos/1.png")
    command = ("annotate", "photos", "--model", fresh_weights, "--no-resume", "--nms")
    assert mpn(*command, "keypoint-box", PYTHONPATH=str(site)).returncode == 0
    done = mpn(*command, "broken", PYTHONPATH=str(site))
    assert done.returncode == 2
    assert "broken (of box-nms-for-mpn 1.4) does not load" in done.stderr
    done = mpn(*command, "hard", PYTHONPATH=str(site))
    assert done.returncode == 2
    assert "2 distributions bring" in done.stderr
    assert "say box-nms-for-mpn:hard or mobileposenet:hard" in done.stderr
    assert mpn(*command, "mobileposenet:hard", PYTHONPATH=str(site)).returncode == 0
    done = mpn("nms-bench", "--images", 6, "--repeat", 1, "--backend", "keypoint-box,numba",
               PYTHONPATH=str(site))  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "keypoint-box" in done.stdout
