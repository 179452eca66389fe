"""Tiny ONNX networks whose answers are known: joints are dots of one colour each."""

from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mpn_cli.base.arrays import Picture

WIDTH, HEIGHT = 192, 256
SAID = ",mean=0/0/0,std=255/255/255"
"""The dots' networks want plain colours."""


def joint_colours(joints: int) -> np.ndarray:
    """(K, 3) RGB unit vectors, well apart (a Fibonacci lattice in the positive octant)."""
    share = (np.arange(joints) + 0.5) / joints
    turn = (np.arange(joints) * 0.618034) % 1 * np.pi / 2
    flat = np.sqrt(1 - share**2)
    return np.stack([np.cos(turn) * flat, np.sin(turn) * flat, share], axis=1)


def picture_of(joints: np.ndarray, radius: int = 0) -> Picture:
    """A black picture (256, 192, 3) with a dot for each joint (K, 2), whole pixels."""
    picture = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    for (x, y), colour in zip(joints.astype(int), joint_colours(len(joints)), strict=True):
        cv2.circle(picture, (int(x), int(y)), radius, (255 * colour).tolist(), -1)
    return picture


def spread_joints(joints: int = 17, step: int = 1) -> np.ndarray:
    """(K, 2) positions, multiples of ``step``, no two in one row or column."""
    order = np.random.default_rng(5)
    x = order.permutation(np.arange(2, WIDTH // step - 2))[:joints] * step
    y = order.permutation(np.arange(2, HEIGHT // step - 2))[:joints] * step
    return np.stack([x, y], axis=1).astype(float)


def _save(file: Path, nodes: list[onnx.NodeProto], outputs: dict[str, list[int | str]],
          constants: dict[str, np.ndarray]) -> Path:  # fmt: skip
    graph = helper.make_graph(
        nodes, "dots",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, HEIGHT, WIDTH])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, file)
    return file


def _colour_filter(joints: int) -> tuple[onnx.NodeProto, dict[str, np.ndarray]]:
    weights = joint_colours(joints).astype(np.float32).reshape(joints, 3, 1, 1)
    return helper.make_node("Conv", ["pixels", "colours"], ["seen"]), {"colours": weights}


def heatmap_network(file: Path, joints: int = 17) -> Path:
    """Heatmaps (N, K, 64, 48): cell c is the strongest of pixels 4c to 4c + 3."""
    seen, constants = _colour_filter(joints)
    pooled = helper.make_node(
        "MaxPool", ["seen"], ["heatmaps"], kernel_shape=[4, 4], strides=[4, 4]
    )
    shape: list[int | str] = ["n", joints, HEIGHT // 4, WIDTH // 4]
    return _save(file, [seen, pooled], {"heatmaps": shape}, constants)


def simcc_network(file: Path, y_first: bool = False, joints: int = 17) -> Path:
    """SimCC with two bins a pixel: (N, K, 384) over x and (N, K, 512) over y."""
    seen, constants = _colour_filter(joints)
    nodes = [seen]
    outputs: dict[str, list[int | str]] = {}
    for name, axis, bins in (("x", 2, 2 * WIDTH), ("y", 3, 2 * HEIGHT)):
        nodes += [
            helper.make_node("ReduceMax", ["seen"], [f"max_{name}"], axes=[axis], keepdims=0),
            helper.make_node("Unsqueeze", [f"max_{name}", "last"], [f"wide_{name}"]),
            helper.make_node("Tile", [f"wide_{name}", "twice"], [f"pairs_{name}"]),
            helper.make_node("Reshape", [f"pairs_{name}", f"bins_{name}"], [f"simcc_{name}"]),
        ]
        constants[f"bins_{name}"] = np.array([0, joints, bins])
        outputs[f"simcc_{name}"] = ["n", joints, bins]
    constants |= {"last": np.array([3]), "twice": np.array([1, 1, 1, 2])}
    if y_first:
        outputs = dict(reversed(outputs.items()))
    return _save(file, nodes, outputs, constants)


def other_network(file: Path) -> Path:
    """One output (N, 3, 256, 192) of another kind."""
    node = helper.make_node("Flatten", ["pixels"], ["flat"])
    return _save(file, [node], {"flat": ["n", 3 * HEIGHT * WIDTH]}, {})
