"""Losses of the detector: focal loss on centres, generalised IoU on boxes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

BOX_WEIGHT = 5.0
"""Of the box loss beside the centre loss (Liu et al. 2020)."""


def centre_loss(logits: Tensor, wanted: Tensor, counts: Tensor) -> Tensor:
    """Penalty-reduced focal loss (Zhou et al. 2019, eq. 1), all (B, H, W), over the people."""
    surely = functional.logsigmoid(logits)
    surely_not = functional.logsigmoid(-logits)
    is_centre = wanted >= 1.0
    positive = surely_not.exp().square() * surely * is_centre
    negative = (1 - wanted).pow(4) * surely.exp().square() * surely_not * ~is_centre
    return -((positive + negative) * counts).sum() / is_centre.sum().clamp(min=1)


def box_loss(reach: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """1 - GIoU (Rezatofighi et al. 2019) of boxes around the same cell, (B, 4, H, W), weighed."""
    nearest, farthest = torch.minimum(reach, wanted), torch.maximum(reach, wanted)
    overlap = (nearest[:, 0] + nearest[:, 2]).clamp(min=0) * (nearest[:, 1] + nearest[:, 3]).clamp(
        min=0
    )
    hull = (farthest[:, 0] + farthest[:, 2]) * (farthest[:, 1] + farthest[:, 3])
    union = _area(reach) + _area(wanted) - overlap
    smallest = 1e-6
    giou = overlap / union.clamp(min=smallest) - (hull - union) / hull.clamp(min=smallest)
    return ((1 - giou) * weight).sum() / weight.sum().clamp(min=smallest)


def _area(reach: Tensor) -> Tensor:
    return (reach[:, 0] + reach[:, 2]) * (reach[:, 1] + reach[:, 3])


def detection_loss(output: Tensor, targets: Tensor) -> Tensor:
    """Of the network's output (B, 5, H, W) and targets (B, 7, H, W), as ``centre_targets``'."""
    centres = centre_loss(output[:, 0], targets[:, 0], targets[:, 1])
    boxes = box_loss(output[:, 1:], targets[:, 3:], targets[:, 2])
    return centres + BOX_WEIGHT * boxes
