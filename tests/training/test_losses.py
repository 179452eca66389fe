import numpy as np
import pytest
import torch

from mpn_cli.training.pose.losses import LOSSES
from mpn_cli.training.pose.targets import gaussian_heatmaps


@pytest.fixture
def targets() -> tuple[torch.Tensor, torch.Tensor]:
    keypoints = np.array([[[10.3, 20.0], [5.0, 40.5], [90.0, 10.0]]])
    heatmaps, weights = gaussian_heatmaps(keypoints, np.ones((1, 3), np.float32), (48, 64))
    return torch.from_numpy(heatmaps), torch.from_numpy(weights)


def test_targets(targets: tuple[torch.Tensor, torch.Tensor]) -> None:
    heatmaps, weights = targets
    assert weights.tolist() == [[1, 1, 0]]
    assert heatmaps[0, 0, 20, 10] == pytest.approx(float(np.exp(-(0.3**2) / 8)), abs=1e-6)
    assert heatmaps[0, 1, 40, 5] == heatmaps[0, 1, 41, 5]


@pytest.mark.parametrize("name", LOSSES)
def test_the_target_is_the_least_and_unlabelled_joints_are_free(
    name: str, targets: tuple[torch.Tensor, torch.Tensor]
) -> None:
    heatmaps, weights = targets
    loss = LOSSES[name]
    torch.manual_seed(0)
    best = heatmaps.clone().requires_grad_()
    loss(best, heatmaps, weights).backward()
    assert best.grad is not None
    assert best.grad.abs().max() < 1e-5
    away = (heatmaps + 0.1 * torch.randn_like(heatmaps)).requires_grad_()
    value = loss(away, heatmaps, weights)
    assert value > loss(heatmaps, heatmaps, weights)
    value.backward()
    assert away.grad is not None
    assert away.grad[0, 0].abs().max() > 0
    assert away.grad[0, 2].abs().max() == 0


@pytest.mark.parametrize("name", LOSSES)
def test_nothing_labelled_is_no_nan(name: str) -> None:
    heatmaps = torch.zeros(2, 3, 8, 8, requires_grad=True)
    value = LOSSES[name](heatmaps, torch.ones(2, 3, 8, 8), torch.zeros(2, 3))
    value.backward()
    assert value == 0
    assert heatmaps.grad is not None
    assert not heatmaps.grad.isnan().any()
