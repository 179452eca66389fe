"""What ``--model`` means, and what is known of a network before it is loaded."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from mpn_models.registry import DEFAULT_MODEL, MODELS
from mpn_nms.plugins import Plugins
from onnx import TensorProto, helper, numpy_helper

from mpn_cli.base.choices import Precision, Runtime
from mpn_cli.base.errors import InputError
from mpn_cli.networks import openvino_models, sources
from mpn_cli.networks.sources import (
    NetworkSource,
    OnnxNetwork,
    OwnNetwork,
    PluginNetwork,
    find_network,
    network_here,
    network_of,
)
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.layers import resolve
from mpn_cli.options.recipes import make_recipe
from tests.conftest import install_plugin
from tests.onnx_networks import heatmap_network, simcc_network

PLUGIN = """
class Centre:
    joints = 16
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    install_plugin(tmp_path, "networks", "mpn.models", "centre = net_of_test:Centre",
                   "net_of_test", PLUGIN)  # fmt: skip
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sources, "ESTIMATORS", Plugins("mpn.models", "pose network"))
    return "centre"


def test_the_text_decides(tmp_path: Path, fresh_weights: Path, plugin: str) -> None:
    file = simcc_network(tmp_path / "simcc.onnx")
    for text, kind, name, joints, weights in (
        (DEFAULT_MODEL, OwnNetwork, DEFAULT_MODEL, 17, MODELS[DEFAULT_MODEL].weights),
        (str(fresh_weights), OwnNetwork, DEFAULT_MODEL, 17, fresh_weights),
        (f"onnx:{file}", OnnxNetwork, f"onnx:{file}", 17, file),
        (plugin, PluginNetwork, "networks:centre", 16, Path()),
    ):
        found = find_network(text)
        assert type(found) is kind
        assert (found.name, found.joints, found.weights) == (name, joints, weights)


def recipe_of(text: str) -> tuple[NetworkSource, NetworkSource, Path]:
    """A network as it is found, as its recipe has it, and where it is found again."""
    recipe = make_recipe(resolve(AnnotateOptions, {"model": text}), labelled=False)
    return find_network(text), network_of(recipe), network_here(recipe)


def test_a_recipe_leads_back_to_its_network(
    tmp_path: Path, fresh_weights: Path, plugin: str
) -> None:
    for text in (str(fresh_weights), f"onnx:{heatmap_network(tmp_path / 'h.onnx')}", plugin):
        found, again, weights = recipe_of(text)
        assert again == found
        assert weights == found.weights


def test_other_weights_under_the_same_name_are_told_apart(tmp_path: Path) -> None:
    file = heatmap_network(tmp_path / "h.onnx")
    recipe = make_recipe(resolve(AnnotateOptions, {"model": f"onnx:{file}"}), labelled=False)
    simcc_network(file)
    with pytest.raises(InputError, match=r"h\.onnx holds other weights"):
        network_here(recipe)


def test_an_onnx_network_is_found_without_compiling_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compiled(*given: object) -> None:
        raise RuntimeError("compiled")

    monkeypatch.setattr(openvino_models, "compiled", compiled)
    file = heatmap_network(tmp_path / "h.onnx", joints=16)
    options = {"model": f"onnx:{file}", "detector": f"onnx:{file},family=yolov8"}
    recipe = make_recipe(resolve(AnnotateOptions, options), labelled=False)
    assert recipe.joints == 16
    with pytest.raises(InputError, match=r"h\.onnx: not a network that can be run"):
        network_of(recipe).load(recipe, 1)


def _convolution(file: Path, weights: np.ndarray, domain: str, external: bool) -> None:
    shapes: dict[str, list[str | int]] = {
        "pixels": ["n", 3, 256, 192],
        "heatmaps": ["n", 17, 64, 48],
    }
    given, found = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    )
    node = helper.make_node(
        "Conv", ["pixels", "weights"], ["heatmaps"], strides=[4, 4], domain=domain
    )
    graph = helper.make_graph(
        [node], "g", [given], [found], [numpy_helper.from_array(weights, "weights")]
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("unheard-of", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.save(model, file, save_as_external_data=external, location="weights.bin", size_threshold=0)


@pytest.mark.parametrize(
    ("channels", "domain", "external"),
    [(5, "", False), (3, "unheard-of", False), (3, "", True)],
    ids=["shapes that do not fit", "an unknown operation", "weights in a file that is gone"],
)
def test_unusable_files_are_found_out_before_anything_is_compiled(
    tmp_path: Path, channels: int, domain: str, external: bool
) -> None:
    file = tmp_path / "odd.onnx"
    _convolution(file, np.ones((17, channels, 4, 4), np.float32), domain, external)
    if external:
        assert find_network(f"onnx:{file}").joints == 17
        (tmp_path / "weights.bin").unlink()
    with pytest.raises(InputError, match=r"odd\.onnx: not a network that can be run") as caught:
        find_network(f"onnx:{file}")
    assert "\n" not in str(caught.value)


def test_options_that_a_network_cannot_follow(tmp_path: Path) -> None:
    text = f"onnx:{heatmap_network(tmp_path / 'h.onnx')}"
    for options, message in (
        ({"device": "cuda"}, "--device cuda is for MobilePoseNet; onnx:.* runs on the cpu"),
        ({"runtime": "torch"}, "--runtime and --precision are not for other people's networks"),
        ({"precision": "int8"}, "--runtime and --precision are not for other people's networks"),
    ):
        with pytest.raises(InputError, match=message):
            make_recipe(resolve(AnnotateOptions, {"model": text, **options}), labelled=False)
    ours = find_network(DEFAULT_MODEL)
    ours.check_options("cuda:1", Runtime.TORCH, Precision.INT8)


def test_whose_heatmaps_are_the_same_in_any_batch(tmp_path: Path, fresh_weights: Path) -> None:
    onnx_text = f"onnx:{heatmap_network(tmp_path / 'h.onnx')}"
    for options, free in (
        ({"model": str(fresh_weights), "runtime": "openvino"}, True),
        ({"model": str(fresh_weights), "runtime": "torch"}, False),
        ({"model": str(fresh_weights), "device": "cuda"}, False),
        ({"model": onnx_text}, False),
    ):
        recipe = make_recipe(resolve(AnnotateOptions, options), labelled=False)
        assert network_of(recipe).is_batch_free(recipe) is free
