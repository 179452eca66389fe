"""Losses on heatmaps. A joint of weight 0 carries none."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

SHARPNESS = 10.0
"""Heatmaps times this are the logits of the spatial softmax. e^10 outweighs the 6,912 cells of a
96x72 heatmap, so a Gaussian of peak 1 already gives nearly all of the probability to its peak."""

SQUARED_ERROR_WEIGHT = 0.02
"""Of the summed squared error beside the cross-entropy: enough to keep peaks meaningful as
confidences, too little to hold the network in the all-zero minimum."""


def mean_squared_error(heatmaps: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """The paper's loss: squared error over all cells, (B, K, H, W) and weights (B, K)."""
    per_joint = (heatmaps - targets).square().mean(dim=(2, 3))
    return (per_joint * weights).mean()


def spatial_cross_entropy(heatmaps: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy over a joint's cells, plus squared error to keep confidences meaningful.

    Both terms are least where the heatmap equals the Gaussian: the target distribution is the
    softmax of ``SHARPNESS`` times the target.
    """
    wanted = (SHARPNESS * targets).flatten(2).softmax(dim=2)
    logs = (SHARPNESS * heatmaps).flatten(2).log_softmax(dim=2)
    entropy = -(wanted * logs).sum(dim=2)
    squared = (heatmaps - targets).square().sum(dim=(2, 3))
    per_joint = entropy + SQUARED_ERROR_WEIGHT * squared
    return (per_joint * weights).sum() / weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)


LOSSES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "cross-entropy": spatial_cross_entropy,
    "mse": mean_squared_error,
}
