"""Exact resume: network, averaged weights, optimizer and step in one safetensors file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mpn_cli.base.errors import InputError
from mpn_cli.base.files import unfinished_file
from mpn_cli.training.optimizers import Optimizer


@dataclass(slots=True)
class Progress:
    """How far a run has come."""

    step: int = 0
    best_ap: float = -1.0


def _state(network: nn.Module, average: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    tensors = {f"network/{n}": t for n, t in network.state_dict().items()}
    tensors |= {f"average/{n}": t for n, t in average.state_dict().items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{name}": value for name, value in values.items()}
    return {name: tensor.contiguous().cpu() for name, tensor in tensors.items()}


def save_checkpoint(
    file: Path,
    network: nn.Module,
    average: nn.Module,
    optimizer: Optimizer,
    progress: Progress,
) -> None:
    """Write a checkpoint; a kill while it is written leaves the previous one.

    Raises InputError where the disk is full or gone.
    """
    tensors = _state(network, average, optimizer)
    tensors["step"] = torch.tensor(progress.step)
    tensors["best_ap"] = torch.tensor(progress.best_ap, dtype=torch.float64)
    try:
        with unfinished_file(file) as unfinished:
            save_file(tensors, unfinished)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{file}: can't be written: {error}") from None


def load_checkpoint(
    file: Path, network: nn.Module, average: nn.Module, optimizer: Optimizer
) -> Progress:
    """Put a checkpoint back; all three are as they were when it was saved.

    Raises InputError for a file that is damaged.
    """
    try:
        tensors = load_file(file)
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{file}: not a readable checkpoint ({error}); without it training starts over"
        ) from None
    for name, module in (("network", network), ("average", average)):
        prefix = f"{name}/"
        module.load_state_dict(
            {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        )
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer/"):
            _, index, value = name.split("/")
            parameter = parameters[int(index)]
            if tensor.shape == parameter.shape:
                # Fused optimizers walk through memory: moments need their parameter's layout.
                tensor = torch.empty_like(parameter, requires_grad=False).copy_(tensor)
            state.setdefault(int(index), {})[value] = tensor
    optimizer.load_state_dict(
        {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
    )
    return Progress(int(tensors["step"]), float(tensors["best_ap"]))
