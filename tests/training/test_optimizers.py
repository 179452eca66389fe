"""Optimizers against steps worked out by hand."""

import pytest
import torch
from mpn_models.network import channels_last
from mpn_models.registry import MODELS
from torch import nn

from mpn_cli.training.optimizers import OPTIMIZERS, MuonWithAdamW, make_optimizer


class Expansion(nn.Module):
    """A convolution by the name that such ones have in the networks."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(6, 9, 1, bias=False)


class Unit(nn.Module):
    """As in the networks: a 1x1 convolution before a batch norm, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.expand = Expansion()
        self.head = nn.Conv2d(9, 2, 1)


def test_muon_steps_along_the_nearest_orthogonal_matrix() -> None:
    torch.manual_seed(0)
    network = Unit()
    before, head = network.expand.conv.weight.detach().clone(), network.head.weight.detach().clone()
    optimizer = MuonWithAdamW(network, learning_rate=0.1, weight_decay=0.0)
    gradient = torch.randn_like(before)
    network.expand.conv.weight.grad = gradient.clone()
    network.head.weight.grad = torch.ones_like(head)
    assert network.head.bias is not None
    network.head.bias.grad = torch.ones(2)
    optimizer.step()
    step = (before - network.expand.conv.weight.detach()).flatten(1)
    u, _, v = torch.linalg.svd(gradient.flatten(1), full_matrices=False)
    # Newton-Schulz makes singular values of about 1, in bfloat16; 0.2 * sqrt(9) is AdamW's size.
    stretched = torch.linalg.svdvals(u.T @ step @ v.T) / (0.1 * 0.2 * 3)
    assert stretched.numpy() == pytest.approx(1, abs=0.35)
    alike = torch.nn.functional.cosine_similarity(step.ravel(), (u @ v).ravel(), dim=0)
    assert alike > 0.97
    assert torch.allclose(head - network.head.weight.detach(), torch.tensor(0.1), atol=1e-6)


def test_every_weight_is_moved_once() -> None:
    for name in OPTIMIZERS:
        network = channels_last(MODELS["mobileposenet-256x192"].build())
        before = {key: value.detach().clone() for key, value in network.named_parameters()}
        optimizer = make_optimizer(name, network, 0.01, 0.0)
        for value in network.parameters():
            value.grad = torch.randn_like(value)
        optimizer.step()
        for key, value in network.named_parameters():
            moved = (value.detach() - before[key]).square().mean().sqrt()
            assert 0.001 < moved < 0.02, (name, key)
        optimizer.zero_grad()
        assert all(value.grad is None for value in network.parameters())
