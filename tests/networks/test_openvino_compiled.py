"""Compiled networks in the user's cache: the same numbers, and never a damaged file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mpn_models.registry import MODELS

from mpn_cli.networks.openvino_forms import int8_form, save_form
from mpn_cli.networks.pose_openvino import OpenVinoEstimator

MODEL = MODELS["mobileposenet-256x192"]
FORM = int8_form(MODEL.weights)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "mpn" / "openvino" / "compiled"


def heatmaps(threads: int = 1, form: Path = FORM) -> np.ndarray:
    crops = np.random.default_rng(0).integers(0, 255, (2, 256, 192, 3), dtype=np.uint8)
    return OpenVinoEstimator(form, MODEL, threads).heatmaps(crops)


def test_a_compiled_network_gives_the_same_bytes_and_damage_is_noticed(cache: Path) -> None:
    fresh = heatmaps()
    (blob,) = cache.iterdir()
    content = blob.read_bytes()
    written = blob.stat().st_mtime_ns
    assert np.array_equal(heatmaps(), fresh)
    assert blob.stat().st_mtime_ns == written, "it was read, not made again"

    middle = len(content) // 2
    altered = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    for damaged in (altered, content[:-100], b""):
        blob.write_bytes(damaged)
        assert np.array_equal(heatmaps(), fresh)
        assert blob.read_bytes() != damaged, "it was made again"


def test_each_network_and_number_of_threads_has_its_own(cache: Path, tmp_path: Path) -> None:
    from openvino import Core

    heatmaps(1)
    heatmaps(2)
    other = tmp_path / "other.xml"
    network = Core().read_model(FORM)
    network.set_rt_info("another", ["mpn", "note"])
    save_form(network, other)
    heatmaps(1, other)
    assert len(list(cache.iterdir())) == 3


def test_a_cache_that_cannot_be_written_costs_time_only(cache: Path) -> None:
    fresh = heatmaps()
    for file in cache.iterdir():
        file.unlink()
    cache.rmdir()
    cache.write_text("in the way")
    assert np.array_equal(heatmaps(), fresh)
    assert cache.read_text() == "in the way"
