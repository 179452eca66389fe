"""A folder as found in the wild: most pictures good, some bad in every way there is."""

import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.acceptance.conftest import Mpn
from tests.conftest import install_plugin, make_picture

GOOD, OF_EACH_KIND = 270, 3

DEADLY = """
import os
from mpn_cli.detectors.full_image import FullImage

class Deadly(FullImage):
    name = "deadly"
    def __call__(self, pictures):
        if any((picture[0, 0] == (255, 0, 255)).all() for picture in pictures):
            os.abort()  # as a decoder's bug would end the process
        return super().__call__(pictures)
"""


def write_bad(folder: Path, good_jpeg: bytes, good_png: bytes) -> dict[str, str]:
    """Three of each kind; what they are by file name."""
    contents = {
        "empty.jpg": b"",
        "text.jpg": b"not a picture at all",
        "page.png": b"<!doctype html><html><body>404</body></html>",
        "cut.jpg": good_jpeg[: len(good_jpeg) // 2],
        "cut.png": good_png[: len(good_png) // 2],
        "zeros.jpg": bytes(5000),
        "magic.jpg": b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8,
        "bomb.png": b"P6\n60000 60000\n255\n" + bytes(100),  # promises 10 GB
    }
    kinds = {}
    for number in range(OF_EACH_KIND):
        for name, content in contents.items():
            (folder / f"bad{number}-{name}").write_bytes(content)
            kinds[f"bad{number}-{name}"] = name
        (folder / f"bad{number}-link.jpg").symlink_to("nowhere.jpg")
        kinds[f"bad{number}-link.jpg"] = "link"
        # Ends the process that looks at it.
        killer = np.zeros((64, 48, 3), dtype=np.uint8)
        killer[0, 0] = (255, 0, 255)
        Image.fromarray(killer).save(folder / f"bad{number}-killer.png")
        kinds[f"bad{number}-killer.png"] = "killer"
    return kinds


@pytest.mark.slow
def test_three_hundred_pictures_thirty_of_them_bad(
    mpn: Mpn, tmp_path: Path, fresh_weights: Path
) -> None:
    photos = tmp_path / "photos"
    for number in range(GOOD):
        make_picture(photos / f"{number:03d}.{'jpg' if number % 2 else 'png'}", seed=number)
    noise = np.random.default_rng(0).integers(0, 256, (80, 60, 3), dtype=np.uint8)
    jpeg, png = (cv2.imencode(kind, noise)[1].tobytes() for kind in (".jpg", ".png"))
    kinds = write_bad(photos, jpeg, png)
    assert len(kinds) == 30
    assert len(set(kinds.values())) == 10
    site = tmp_path / "site"
    install_plugin(site, "deadly", "mpn.detectors", "deadly = deadly:Deadly", "deadly", DEADLY)
    done = mpn("annotate", photos, "--model", fresh_weights, "--detector", "deadly", "--no-flip",
               "-o", "out", PYTHONPATH=str(site))  # fmt: skip
    assert done.returncode == 3, done.stderr
    counts = json.loads((tmp_path / "out/run.json").read_text())["counts"]
    assert (counts["pictures"], counts["people"], counts["skipped"]) == (270, 270, 30)
    lines = (tmp_path / "out/skipped.jsonl").read_text().splitlines()
    skipped = {Path(line["path"]).name: line for line in map(json.loads, lines)}
    assert skipped.keys() == kinds.keys()
    reasons = {(kinds[name], line["reason"]) for name, line in skipped.items()}
    assert Counter(kind for kind, _ in reasons).most_common(1)[0][1] == 1  # one reason a kind
    assert dict(reasons)["killer"] == "crashed"
    assert dict(reasons)["bomb.png"] == "too large"
    assert dict(reasons)["link"] == "missing"
    assert all(line["detail"] for line in skipped.values())
    data = json.loads((tmp_path / "out/dataset.json").read_text())
    assert len(data["images"]) == GOOD
