"""What makes steps faster must leave them right: joined head, bfloat16, several processes."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from mpn_models.blocks import LightweightUpsampling, PointwiseConv, multiply_in_bfloat16
from mpn_models.network import MobilePoseNet
from mpn_models.registry import MODELS

from mpn_cli.training.batches import Share
from tests.mpn_models.test_network import trained_like
from tests.training.test_training_loop import write_data_set


def small_network() -> MobilePoseNet:
    return trained_like(MODELS["mobileposenet-256x192"].build())


def gradients(network: MobilePoseNet, crops: torch.Tensor) -> dict[str, torch.Tensor]:
    network.zero_grad()
    heatmaps = network(crops)
    (heatmaps * torch.linspace(-1, 1, heatmaps.numel()).reshape(heatmaps.shape)).sum().backward()
    return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


def test_the_joined_head_is_the_network_with_its_last_norm_fixed() -> None:
    network = small_network()
    crops = torch.randn(3, 3, 64, 64)
    network.train()
    last = network.decoder[-1]
    assert isinstance(last, LightweightUpsampling)
    last.project.norm.eval()
    expected = gradients(network, crops)
    network.joins_head = True
    found = gradients(network, crops)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=2e-3, atol=2e-3, msg=name)


def test_bfloat16_is_close_and_for_training_only() -> None:
    network = small_network()
    crops = torch.randn(3, 3, 64, 64)
    with torch.no_grad():
        network.train()
        exact = network(crops)
        multiply_in_bfloat16(network)
        rounded = network(crops)
        # Some 30 layers, each rounded to 8 bits: 2^-9 / sqrt(3) each, adding up at random.
        assert 0 < (rounded - exact).norm() / exact.norm() < 0.1
    chosen = [m for m in network.modules() if isinstance(m, PointwiseConv) and m.in_bfloat16]
    assert len(chosen) > 20
    pointwise = chosen[0].eval()
    x = torch.randn(1, pointwise.in_channels, 4, 4)
    with torch.no_grad():
        by_hand = torch.einsum("bchw,oc->bohw", x, pointwise.weight[:, :, 0, 0])
        torch.testing.assert_close(pointwise(x), by_hand)


@pytest.mark.parametrize(("batch", "processes"), [(32, 2), (7, 2), (7, 3)])
def test_shares_cover_a_batch_once(batch: int, processes: int) -> None:
    rows = np.concatenate([
        np.arange(*Share(rank, processes).of(batch)) for rank in range(processes)
    ])  # fmt: skip
    assert rows.tolist() == list(range(batch))


def test_two_processes_go_on_to_the_bit(tmp_path: Path) -> None:
    """A real run of two processes, whole and interrupted, ends with the same checkpoint."""
    write_data_set(tmp_path / "data")
    command = [
        sys.executable, "-m", "mpn_cli.cli.app", "train", "data", "--stages", "64x64:4",
        "--batch", "4", "--processes", "2", "--threads", "1", "--optimizer", "muon",
        "--warmup", "2", "--precision", "bf16", "--join-head",
    ]  # fmt: skip
    done = subprocess.run(
        [*command, "-o", "whole", "--json"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    steps = json.loads(done.stdout)["steps"]
    log = tmp_path / "stopped/log.jsonl"
    with subprocess.Popen([*command, "-o", "stopped", "--quiet"], cwd=tmp_path) as stopped:
        while not log.is_file() and stopped.poll() is None:  # the first epoch is validated
            time.sleep(0.05)
        stopped.send_signal(signal.SIGINT)
        assert stopped.wait(60) == 130
    assert json.loads(log.read_text().splitlines()[-1])["step"] < steps
    assert subprocess.run([*command, "-o", "stopped", "--quiet"], cwd=tmp_path).returncode == 0
    once, twice = ((tmp_path / f / "checkpoint.safetensors") for f in ("whole", "stopped"))
    assert once.read_bytes() == twice.read_bytes()
