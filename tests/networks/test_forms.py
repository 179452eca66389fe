"""Cached OpenVINO networks: torn or altered ones are never run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mpn_cli.networks.openvino_forms import cached_form, is_intact
from mpn_cli.networks.openvino_offline import openvino


def network() -> openvino.Model:
    given = openvino.opset13.parameter([1, 4], openvino.Type.f32)
    weights = openvino.opset13.constant([[1.0, 2.0, 3.0, 4.0]], openvino.Type.f32)
    return openvino.Model([openvino.opset13.add(given, weights)], [given])


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-3])


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _alter(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("name", ["network.xml", "network.bin", "network.sha256"])
@pytest.mark.parametrize("damage", [_cut, _empty, _alter, Path.unlink])
def test_a_damaged_form_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, damage: Callable[[Path], None]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    form = cached_form("adder", "0" * 64, network)
    weights = form.with_suffix(".bin").read_bytes()
    damage(form.parent / name)
    assert not is_intact(form)
    assert cached_form("adder", "0" * 64, network) == form
    assert is_intact(form)
    assert form.with_suffix(".bin").read_bytes() == weights
    assert len(openvino.Core().read_model(form).inputs) == 1
    assert [one.name for one in form.parent.parent.iterdir()] == [form.parent.name]


def test_a_form_is_of_one_network_and_its_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    forms = {
        cached_form(name, sha256, network)
        for name in ("one", "two")
        for sha256 in ("0" * 64, "1" * 64)
    }
    assert len(forms) == 4
