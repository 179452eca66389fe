"""Optimizers by name: adam (the paper's), adamw, and muon for the networks' matrices."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

OPTIMIZERS = ("adamw", "adam", "muon")


def make_optimizer(
    name: str, network: nn.Module, learning_rate: float, weight_decay: float
) -> torch.optim.Optimizer | MuonWithAdamW:
    """One of ``OPTIMIZERS``; batch norms and biases are not decayed."""
    if name == "muon":
        return MuonWithAdamW(network, learning_rate, weight_decay)
    kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
    groups = _groups(list(network.parameters()), weight_decay)
    return kind(groups, lr=learning_rate, fused=True)


def _groups(parameters: list[nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


class MuonWithAdamW:
    """Muon (Jordan et al. 2024) for 1x1 convolutions before a batch norm, AdamW for the rest.

    A 1x1 convolution is a matrix; its step is the nearest orthogonal matrix to its momentum, scaled
    to AdamW's usual size (Liu et al. 2025, arXiv 2502.16982), so that both share a learning rate.
    torch's Muon takes matrices only, so it is given views of the weights.
    """

    def __init__(self, network: nn.Module, learning_rate: float, weight_decay: float) -> None:
        named = dict(network.named_parameters())
        matrices = {
            name: parameter
            for name, parameter in named.items()
            if name.endswith(".conv.weight") and parameter.shape[2:] == (1, 1)
        }
        rest = [parameter for name, parameter in named.items() if name not in matrices]
        self._pairs = [(p, nn.Parameter(p.detach().flatten(1))) for p in matrices.values()]
        self._muon = torch.optim.Muon(
            [view for _, view in self._pairs],
            lr=learning_rate,
            weight_decay=weight_decay,
            adjust_lr_fn="match_rms_adamw",
        )
        self._adamw = torch.optim.AdamW(_groups(rest, weight_decay), lr=learning_rate, fused=True)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Of both, Muon's first."""
        return self._muon.param_groups + self._adamw.param_groups

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for parameter, _ in self._pairs:
            parameter.grad = None
        self._adamw.zero_grad(set_to_none)

    def step(self) -> None:
        """Move all weights."""
        for parameter, view in self._pairs:
            assert parameter.grad is not None
            view.grad = parameter.grad.flatten(1)
        self._muon.step()  # type: ignore[no-untyped-call]
        self._adamw.step()

    def state_dict(self) -> dict[str, Any]:
        """As one optimizer's: AdamW's parameters count on from Muon's."""
        first, second = self._muon.state_dict(), self._adamw.state_dict()
        after = len(self._pairs)
        state: dict[int, dict[str, Tensor]] = dict(first["state"])
        state |= {after + index: values for index, values in second["state"].items()}
        return {"state": state, "param_groups": first["param_groups"] + second["param_groups"]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Put back what ``state_dict`` gave."""
        after, state = len(self._pairs), state_dict["state"]
        groups = state_dict["param_groups"]
        self._muon.load_state_dict(
            {
                "state": {index: values for index, values in state.items() if index < after},
                "param_groups": groups[:1],
            }
        )
        self._adamw.load_state_dict(
            {
                "state": {
                    index - after: values for index, values in state.items() if index >= after
                },
                "param_groups": groups[1:],
            }
        )


Optimizer = torch.optim.Optimizer | MuonWithAdamW
