import pytest
import torch

from mpn_cli.training.pose.losses import LOSSES
from mpn_cli.training.pose.painting import gaussian_heatmaps


@pytest.fixture
def targets() -> tuple[torch.Tensor, torch.Tensor]:
    """Two joints inside the heatmap and one outside."""
    keypoints = torch.tensor([[[41.2, 81.0], [20.0, 164.0], [365.0, 40.0]]])
    return gaussian_heatmaps(keypoints, torch.ones(1, 3), (192, 256))


@pytest.mark.parametrize("name", LOSSES)
def test_the_target_is_the_least_and_unlabelled_joints_are_free(
    name: str, targets: tuple[torch.Tensor, torch.Tensor]
) -> None:
    heatmaps, weights = targets
    loss = LOSSES[name]
    torch.manual_seed(0)
    best = heatmaps.clone().requires_grad_()
    torch.autograd.backward(loss(best, heatmaps, weights))
    assert best.grad is not None
    assert best.grad.abs().max() < 1e-5
    away = (heatmaps + 0.1 * torch.randn_like(heatmaps)).requires_grad_()
    value = loss(away, heatmaps, weights)
    assert value > loss(heatmaps, heatmaps, weights)
    torch.autograd.backward(value)
    assert away.grad is not None
    assert away.grad[0, 0].abs().max() > 0
    assert away.grad[0, 2].abs().max() == 0


@pytest.mark.parametrize("name", LOSSES)
def test_nothing_labelled_is_no_nan(name: str) -> None:
    heatmaps = torch.zeros(2, 3, 8, 8, requires_grad=True)
    value = LOSSES[name](heatmaps, torch.ones(2, 3, 8, 8), torch.zeros(2, 3))
    torch.autograd.backward(value)
    assert value == 0
    assert heatmaps.grad is not None
    assert not heatmaps.grad.isnan().any()
