"""Plug-ins of somebody else's, installed by pip into a folder of its own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.acceptance.conftest import Mpn
from tests.conftest import ROOT, make_picture


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source") / "plugins"  # building writes beside what it builds
    shutil.copytree(ROOT / "tests" / "plugin_distribution", source)
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
         "--no-index", "--target", str(folder), str(source)],
        check=True,
    )  # fmt: skip
    return folder


def test_they_are_listed_used_and_blamed(mpn: Mpn, site: Path, tmp_path: Path) -> None:
    rows = json.loads(mpn("backends", "--json", PYTHONPATH=str(site)).stdout)["plugins"]
    theirs = {row["name"]: row for row in rows if row["distribution"] == "example-for-mpn"}
    assert theirs["keypoint-box"]["loads"] == "yes"
    assert theirs["keypoint-box"]["version"] == "1.4"
    assert "NoSuchThing" in theirs["broken"]["loads"]
    make_picture(tmp_path / "photos/1.png", width=120, height=160)
    command = ("annotate", "photos", "--model", "centre", "--detector", "halves", "--workers", 1,
               "--no-resume", "--nms")  # fmt: skip
    done = mpn(*command, "keypoint-box", PYTHONPATH=str(site))
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "mpn-out/predictions.json").read_text())
    assert [pose["bbox"] for pose in found] == [[0, 0, 60, 160], [60, 0, 60, 160]]
    for pose, middle in zip(found, (30, 90), strict=True):
        joints = np.reshape(pose["keypoints"], (17, 3))[:, :2]
        np.testing.assert_allclose(joints, [[middle, 80]] * 17, atol=1)
    done = mpn(*command, "broken", PYTHONPATH=str(site))
    assert done.returncode == 2
    assert "broken (of example-for-mpn 1.4) does not load" in done.stderr
    done = mpn(*command, "hard", PYTHONPATH=str(site))
    assert done.returncode == 2
    assert "2 distributions bring" in done.stderr
    assert "say example-for-mpn:hard or mobileposenet:hard" in done.stderr
    assert mpn(*command, "mobileposenet:hard", PYTHONPATH=str(site)).returncode == 0
    done = mpn("nms-bench", "--images", 6, "--repeat", 1, "--backend", "keypoint-box,numba",
               PYTHONPATH=str(site))  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "keypoint-box" in done.stdout
