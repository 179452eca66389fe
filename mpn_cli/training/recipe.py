"""What a training run is: everything that decides its weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from mpn_cli.base.errors import InputError
from mpn_cli.training.optimizers import OPTIMIZERS
from mpn_cli.training.pose.augmentation import AUGMENTATIONS, Augmentation


@dataclass(frozen=True, slots=True)
class Stage:
    """Some epochs at one input size."""

    input_size: tuple[int, int]
    """(width, height)."""
    epochs: float

    @classmethod
    def parse(cls, text: str) -> Stage:
        """Read "256x192:10", height x width as the field writes it. Raises InputError."""
        try:
            size, epochs = text.split(":")
            height, width = size.split("x")
            stage = cls((int(width), int(height)), float(epochs))
        except ValueError:
            raise InputError(f"stage {text!r} is not HEIGHTxWIDTH:EPOCHS, as 256x192:10") from None
        fits = all(side > 0 and side % 16 == 0 for side in stage.input_size)
        if not fits or not 0 < stage.epochs < math.inf:
            raise InputError(f"stage {text!r}: sides are multiples of 16, epochs over 0")
        return stage


@dataclass(frozen=True, slots=True)
class Recipe:
    """One training run. An epoch is as many samples as all data sets have people."""

    data: tuple[Path, ...]
    mix: tuple[float, ...]
    """How often a person of each data set is drawn, relative to the others."""
    stages: tuple[Stage, ...]
    model: str = "mobileposenet-256x192"
    initial_weights: Path | None = None
    validate_every: int = 10
    """Every n-th picture of the first data set is held out for validation."""
    batch: int = 32
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    schedule: str = "cosine"
    warmup: int = 300
    """Steps over which the learning rate rises to its full value."""
    ema_decay: float = 0.998
    """Of the averaged weights, per step."""
    precision: str = "fp32"
    """bf16: wide 1x1 convolutions in bfloat16 on a CPU; GPUs always train in mixed precision."""
    join_head: bool = False
    """The last LPB and the head are trained as one product, with a fixed batch norm between."""
    processes: int = 1
    """How many processes share each batch; batch norms see a process's share."""
    loss: str = "cross-entropy"
    augment: str = "paper"
    seed: int = 0
    device: str = "cpu"
    """As torch names it: cpu, cuda, cuda:1, mps."""
    validate_epochs: int = 1
    """Validation comes after so many epochs."""

    def __post_init__(self) -> None:
        """Raise InputError for a word that names nothing."""
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                option = name.replace("_", "-")
                raise InputError(f"--{option} {getattr(self, name)}: not one of {', '.join(known)}")
        if self.processes > 1 and self.device != "cpu":
            raise InputError(f"--processes {self.processes} works with --device cpu only")
        if self.batch < 2 * self.processes:
            raise InputError(f"--batch {self.batch}: at least 2 per process")

    @property
    def augmentation(self) -> Augmentation:
        """How crops are altered."""
        return AUGMENTATIONS[self.augment]


CHOICES = {
    "optimizer": OPTIMIZERS,
    "schedule": ("cosine", "step", "constant"),
    "precision": ("fp32", "bf16"),
    "loss": ("cross-entropy", "mse"),
    "augment": tuple(AUGMENTATIONS),
}
