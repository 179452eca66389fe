"""What ``--detector`` means, and what a detector says of itself."""

from pathlib import Path

import numpy as np
import pytest
from mpn_nms.plugins import PluginError, Plugins

from mpn_cli.base.choices import Precision, Runtime
from mpn_cli.base.errors import InputError
from mpn_cli.base.recipe import DetectorSetup, Recipe
from mpn_cli.detectors import registry
from mpn_cli.detectors.registry import find_detector
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.layers import resolve
from mpn_cli.options.recipes import make_recipe
from mpn_cli.pipeline.shard import annotate_shard
from mpn_cli.pipeline.tools import Tools
from mpn_cli.sources.tasks import Task
from tests.conftest import install_plugin, make_picture
from tests.onnx_networks import heatmap_network, other_network

SETUP = DetectorSetup(Runtime.TORCH, Precision.FP32, 96)

PLUGIN = """
import numpy as np
from mpn_cli.detectors.contract import NetworkDetector

class Portraits:
    name = "portraits"
    whole_pictures = True

    def __call__(self, pictures):
        return [np.array([[0, 0, p.shape[1], p.shape[0], 1.0]]) for p in pictures]

class Plain(Portraits):
    name = "plain"
    whole_pictures = False

class Fragile(NetworkDetector):
    name = "fragile"

    def __init__(self, setup, threads, device="cpu"):
        raise ZeroDivisionError("no way")
"""


@pytest.fixture(autouse=True)
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("portraits", "plain", "fragile")
    entries = "\n".join(f"{name} = detectors_of_test:{name.capitalize()}" for name in names)
    install_plugin(tmp_path, "theirs", "mpn.detectors", entries, "detectors_of_test", PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "DETECTORS", Plugins("mpn.detectors", "detector"))


@pytest.mark.parametrize(
    ("text", "takes_setup", "whole_pictures", "one_by_one"),
    [
        ("person", True, False, True),
        ("full-image", False, True, True),
        ("mobileposenet:full-image", False, True, True),
        ("portraits", False, True, False),
        ("plain", False, False, False),
        ("fragile", True, False, False),
    ],
)
def test_what_a_detector_says_of_itself(
    text: str, takes_setup: bool, whole_pictures: bool, one_by_one: bool
) -> None:
    found = find_detector(text)
    assert found.takes_setup == takes_setup
    assert found.whole_pictures == whole_pictures
    assert found.one_by_one == one_by_one


def recipe_with(detector: str, weights: Path) -> Recipe:
    return make_recipe(
        resolve(AnnotateOptions, {"detector": detector, "model": str(weights)}), labelled=False
    )


def test_whole_pictures_are_whole_whoever_takes_them(tmp_path: Path, fresh_weights: Path) -> None:
    picture = make_picture(tmp_path / "a.png")
    for detector, whole in (
        ("full-image", 1), ("mobileposenet:full-image", 1), ("portraits", 1), ("plain", 0),
    ):  # fmt: skip
        recipe = recipe_with(detector, fresh_weights)
        assert (recipe.pose_thr == 0) == bool(whole)
        assert (recipe.flip_thr == 0) == bool(whole)
        shard = annotate_shard([Task(1, str(picture), "a.png")], Tools.load(recipe, 1))
        assert shard.counts.full_image == whole
        assert shard.pictures[0].poses[0].bbox == [0, 0, 120, 160]


def test_a_plug_in_that_fails_is_named() -> None:
    with pytest.raises(PluginError, match=r"detector fragile .*ZeroDivisionError: no way"):
        find_detector("fragile").load(SETUP, 1)
    with pytest.raises(PluginError, match="no detector named nothing; installed: fragile, full-"):
        find_detector("nothing")


def test_an_onnx_file_s_hash_is_its_content_s(tmp_path: Path) -> None:
    first = heatmap_network(tmp_path / "a.onnx")
    heatmap_network(tmp_path / "b.onnx", joints=16)
    (tmp_path / "c.onnx").write_bytes(first.read_bytes())
    hashes = [
        find_detector(f"onnx:{tmp_path / name}.onnx,family=yolov8").checked_sha256()
        for name in "abc"
    ]
    assert hashes[0] == hashes[2] != hashes[1]
    assert len(hashes[0]) == 64
    unknown = find_detector(f"onnx:{other_network(tmp_path / 'd.onnx')}")
    with pytest.raises(InputError, match="tell no family"):
        unknown.checked_sha256()


def test_boxes_of_the_built_in_detector_do_not_depend_on_company() -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in ((90, 60), (64, 96))]
    detector = find_detector("person").load(SETUP, 1)
    together = detector(pictures)
    for picture, boxes in zip(pictures, together, strict=True):
        assert np.array_equal(detector([picture])[0], boxes)
