"""What the loop asks of a kind of training: poses or detection."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, nn

from mpn_cli.training.batches import Batches


class StageData(Protocol):
    """The data of one stage, at its input size."""

    @property
    def batches(self) -> Batches[Any]:
        """What the network is shown."""
        ...

    def loss(self, network: nn.Module, batch: Any) -> Tensor:
        """The loss of a batch, a scalar."""
        ...

    def validate(self, network: nn.Module) -> float:
        """AP on the held-out pictures."""
        ...


class Task(Protocol):
    """A network and the data it learns from."""

    @property
    def network(self) -> nn.Module:
        """What is trained."""
        ...

    @property
    def samples(self) -> int:
        """In an epoch."""
        ...

    def open_stage(self, input_size: tuple[int, int], folder: Path) -> StageData:
        """The data at an input size (width, height); caches are kept in ``folder``."""
        ...
