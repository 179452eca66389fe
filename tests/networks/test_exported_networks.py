"""Exported networks: what they say of themselves is true, and a wrong one is never written."""

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest
import torch
from mpn_models.folded import fold
from mpn_models.registry import MODELS

from mpn_cli import Annotator
from mpn_cli.base.choices import Target
from mpn_cli.base.errors import InputError
from mpn_cli.networks import exporting, onnx_files
from mpn_cli.networks.example_crops import example_crops
from mpn_cli.networks.exported import conventions_of
from mpn_cli.networks.exporting import ExportError, export
from mpn_cli.networks.onnx_files import OnnxFile
from mpn_cli.networks.onnx_names import OnnxName
from mpn_cli.networks.pose_onnx import PoseLayout
from mpn_cli.networks.sources import OwnNetwork
from tests.onnx_networks import heatmap_network

MODEL = MODELS["mobileposenet-256x192"]
SHIPPED = OwnNetwork.named(MODEL.name)


def test_torchscript_with_decoding_follows_its_own_conventions(tmp_path: Path) -> None:
    """The file is used by nothing but what stands in it, and torch."""
    file = tmp_path / "pose.pt"
    made = export(SHIPPED, Target.TORCHSCRIPT, file, with_decoding=True)
    assert made.files == (file,)
    assert list(tmp_path.iterdir()) == [file]
    extra: dict[str, Any] = {"mpn.json": ""}
    network: Any = torch.jit.load(str(file), _extra_files=extra)  # type: ignore[no-untyped-call]
    said = json.loads(extra["mpn.json"])
    crops = example_crops((said["input"]["width"], said["input"]["height"]))
    assert said["input"]["colour"] == "rgb"
    pixels = (crops - np.array(said["input"]["mean"])) / said["input"]["std"]
    for rows in (slice(0, 3), slice(2, 3)):  # another number of crops than it was traced with
        inputs = torch.from_numpy(pixels[rows].transpose(0, 3, 1, 2).astype(np.float32))
        joints, confidences = (part.numpy() for part in network(inputs))
        assert joints.shape == (len(inputs), 17, 2)
        mirrored, _ = (part.numpy() for part in network(inputs.flip(3)))
        # Left and right change places in the mirror image, at width - 1 - x (udp).
        order = np.arange(17)
        for a, b in said["joints"]["flip_pairs"]:
            order[[a, b]] = b, a
        assert said["joints"]["names"][order[5]] == "right_shoulder"
        back = mirrored[:, order] * [-1, 1] + [said["input"]["width"] - 1, 0]
        sure = confidences > 0.7
        assert sure.sum() > 10
        assert np.median(np.abs(back - joints)[sure]) < 2


@pytest.mark.parametrize("existing", [None, b"a network of somebody's"])
def test_a_network_that_differs_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, existing: bytes | None
) -> None:
    def fold_wrongly(network: Any) -> Any:
        folded: Any = fold(network)
        with torch.no_grad():
            folded.head.head_bias += 3e-4
        return folded

    monkeypatch.setattr(exporting, "fold", fold_wrongly)
    file = tmp_path / "pose.xml"
    if existing is None:
        with pytest.raises(ExportError, match=r"by 3\.0e-04 on the example crops; nothing was"):
            export(SHIPPED, Target.OPENVINO, file, with_decoding=False)
        assert list(tmp_path.iterdir()) == []
    for name in ("pose.xml", "pose.bin") if existing else ():
        (tmp_path / name).write_bytes(existing or b"")
        with pytest.raises(InputError, match=rf"{name} is there already, and mpn did not write"):
            export(SHIPPED, Target.OPENVINO, file, with_decoding=False)
        assert [one.read_bytes() for one in tmp_path.iterdir()] == [existing]
        (tmp_path / name).unlink()


def with_property(file: Path, text: str) -> Path:
    model = onnx.load(file)
    onnx.helper.set_model_props(model, {"mpn": text})
    onnx.save(model, file)
    return file


def test_an_onnx_file_says_what_a_user_would_have_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = conventions_of(MODEL, "0" * 64, decoded=False)
    pixels = msgspec.structs.replace(
        said.input, colour="bgr", mean=(1.5, 2, 3), std=(255, 254, 253), padding=1.4
    )
    said = msgspec.structs.replace(said, input=pixels)
    file = with_property(heatmap_network(tmp_path / "h.onnx"), msgspec.json.encode(said).decode())
    for runtime in ("openvino", "onnxruntime"):
        monkeypatch.setattr(onnx_files, "find_spec", lambda name, r=runtime: name == r or None)
        layout = PoseLayout.of(OnnxFile(OnnxName.parse(f"onnx:{file}", "--model")))
        assert (layout.pixels.colour, layout.pixels.mean) == ("bgr", (1.5, 2, 3))
        assert layout.pixels.std == (255, 254, 253)
        assert (layout.conventions.unbiased, layout.conventions.shift_flipped) == (True, False)
        assert layout.conventions.padding == 1.4
        other = OnnxName.parse(f"onnx:{file},layout=biased,padding=1.1", "--model")
        layout = PoseLayout.of(OnnxFile(other))  # the user knows better
        assert (layout.conventions.unbiased, layout.conventions.padding) == (False, 1.1)
        assert layout.pixels.colour == "bgr"


def test_files_whose_property_cant_be_followed(tmp_path: Path) -> None:
    decoded = conventions_of(MODEL, "0" * 64, decoded=True)
    later = msgspec.structs.replace(decoded, format="mpn-export/9")
    for text, message in (
        (msgspec.json.encode(decoded).decode(), "joints, not heatmaps: export it without --with"),
        (msgspec.json.encode(later).decode(), "exported as mpn-export/9; this version reads mpn"),
        ("{}", "its property mpn is not mpn export's"),
    ):
        file = with_property(heatmap_network(tmp_path / "h.onnx"), text)
        with pytest.raises(InputError, match=message):
            Annotator(model=f"onnx:{file}")
