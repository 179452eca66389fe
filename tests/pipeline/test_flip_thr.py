"""The flip test box by box: where it is done, each pose is that of the test everywhere."""

import json
from pathlib import Path

import numpy as np
import pytest

from mpn_cli.base.choices import Decode
from mpn_cli.base.stopwatch import Stopwatch
from mpn_cli.networks.contract import Estimator
from mpn_cli.networks.onnx_names import OnnxName
from mpn_cli.networks.pose_onnx import OnnxEstimator
from mpn_cli.networks.sources import network_of
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.layers import resolve
from mpn_cli.options.recipes import make_recipe
from mpn_cli.pipeline.poses import PoseFinder
from mpn_cli.sources.reading import Decoded, read_picture
from tests.acceptance.conftest import Mpn
from tests.acceptance.conftest import mpn as mpn  # the fixture
from tests.conftest import ROOT, install_plugin, make_picture
from tests.onnx_networks import SAID, heatmap_network, simcc_network

PICTURE = ROOT / "examples" / "000000000785.jpg"
BOXES = np.array([[280.0, 40, 220, 330], [-50, -30, 200, 260], [300, 100, 300, 300],
                  [300.5, 80.25, 40, 60], [10, 20, 300, 200], [200, 0, 150, 300]])  # fmt: skip

DETECTOR = """
import numpy as np

class Three:
    name = "three"

    def __call__(self, pictures):
        boxes = [[0, 0, 90, 150, 0.9], [30, 10, 80, 140, 0.5], [10, 40, 60, 100, 0.3]]
        return [np.array(boxes) for _ in pictures]
"""


@pytest.fixture(params=["ours", "heatmaps", "simcc"])
def estimator(request: pytest.FixtureRequest, tmp_path: Path, fresh_weights: Path) -> Estimator:
    if request.param == "ours":
        recipe = make_recipe(
            resolve(AnnotateOptions, {"model": str(fresh_weights)}), labelled=False
        )
        return network_of(recipe).load(recipe, 1)
    make = heatmap_network if request.param == "heatmaps" else simcc_network
    return OnnxEstimator(OnnxName.parse(f"onnx:{make(tmp_path / 'n.onnx')}{SAID}", "--model"), 1)


def poses(estimator: Estimator, flipped: list[bool]) -> np.ndarray:
    """(N, K, 3)."""
    finder = PoseFinder(estimator, Decode.DARK, 4, Stopwatch())
    finder.add(Decoded.whole(read_picture(str(PICTURE))), BOXES, np.array(flipped))
    keypoints, confidences = finder.found()
    return np.concatenate([keypoints, confidences[..., None]], axis=2)


def test_each_box_has_the_pose_of_its_own_way(estimator: Estimator) -> None:
    never, always = poses(estimator, [False] * 6), poses(estimator, [True] * 6)
    differ = (never != always).any(axis=(1, 2))
    assert differ[[0, 1, 2, 3, 5]].all()  # SimCC's whole bins may be the same both ways
    for flipped in ([True, False, False, True, False, True], [False] * 4 + [True, False]):
        expected = np.where(np.array(flipped)[:, None, None], always, never)
        assert np.array_equal(poses(estimator, flipped), expected)


def test_an_estimators_own_arrays_are_left_alone(estimator: Estimator) -> None:
    class Frozen:
        """Its arrays raise when written to."""

        input_size, joints = estimator.input_size, estimator.joints
        conventions = estimator.conventions

        def heatmaps(self, crops: np.ndarray) -> object:
            found = estimator.heatmaps(crops)
            for one in (found,) if isinstance(found, np.ndarray) else (found.x, found.y):
                one.flags.writeable = False
            return found

    flipped = [True, False] * 3
    assert np.array_equal(poses(Frozen(), flipped), poses(estimator, flipped))  # type: ignore[arg-type]


def test_the_command_flips_boxes_by_their_scores(
    mpn: Mpn, tmp_path: Path, fresh_weights: Path
) -> None:
    site = tmp_path / "site"
    install_plugin(site, "detectors", "mpn.detectors", "three = det:Three", "det", DETECTOR)
    make_picture(tmp_path / "photos/1.png")

    def found(*options: object) -> dict[tuple[float, ...], list[float]]:
        done = mpn("annotate", "photos", "--detector", "three", "--nms", "none", "--no-resume",
                   "--box-nms-thr", 1, "--model", fresh_weights, "--workers", 1, "-o", "out",
                   *options, PYTHONPATH=f"{site}:{ROOT}")  # fmt: skip
        assert done.returncode == 0, done.stderr
        results = json.loads((tmp_path / "out/predictions.json").read_text())
        return {tuple(one["bbox"]): one["keypoints"] for one in results}

    never, always = found("--no-flip"), found("--flip-thr", 0)
    run = json.loads((tmp_path / "out/run.json").read_text())
    assert run["options"]["flip_thr"] == {"value": 0.0, "from": "command line"}
    assert all(never[box] != always[box] for box in always)
    assert found() == always  # 0.3 is not under the default
    assert found("--flip-thr", 1) == never
    second = (30.0, 10.0, 80.0, 140.0)
    third = (10.0, 40.0, 60.0, 100.0)
    assert found("--flip-thr", 0.4) == {**always, third: never[third]}
    assert found("--flip-thr", 0.6) == {**always, third: never[third], second: never[second]}


def test_boxes_that_were_brought_are_always_flipped(
    mpn: Mpn, tmp_path: Path, fresh_weights: Path
) -> None:
    make_picture(tmp_path / "photos/1.png")
    boxes = [{"image_id": 1, "category_id": 1, "bbox": [9, 9, 80, 90], "score": 0.1}]
    (tmp_path / "boxes.json").write_text(json.dumps(boxes))
    hashes = []
    for out, options, why in (
        ("a", ("--flip-thr", 0.9, "--boxes", "boxes.json"), "every picture comes with its boxes"),
        ("b", ("--boxes", "boxes.json"), ""),
        ("c", ("--flip-thr", 0.9), "each picture is taken as one person"),
        ("d", (), ""),
        ("e", ("--flip-thr", 0.9, "--no-flip"), "each picture is taken as one person"),
    ):
        done = mpn("annotate", "photos", "--model", fresh_weights, "--workers", 1, "-o", out,
                   *options)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert (f"--flip-thr does nothing here: {why}" in done.stderr) == bool(why)
        run = json.loads((tmp_path / out / "run.json").read_text())
        assert run["options"]["flip_thr"]["value"] is None
        hashes.append((run["job"]["hash"], (tmp_path / out / "predictions.json").read_bytes()))
    assert hashes[0] == hashes[1]
    assert hashes[2] == hashes[3]
    assert hashes[4][1] != hashes[3][1]
