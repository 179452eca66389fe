"""Running a trainer, to its end or stopped on the way."""

from pathlib import Path
from typing import Any

import torch

from mpn_cli.training.loop import Trainer
from mpn_cli.training.recipe import Recipe


def run_recipe(recipe: Recipe, out: Path, stop_after: int | None = None) -> Trainer:
    """Train, and ask to stop during step ``stop_after``."""
    torch.set_num_threads(1)
    trainer = Trainer(recipe, out, lambda event: None)
    if stop_after is not None:
        step = trainer._step

        def stopping(data: Any, batch: Any) -> float:
            if trainer.progress.step + 1 == stop_after:
                trainer.stop()
            return step(data, batch)

        trainer._step = stopping  # type: ignore[method-assign]
    trainer.run()
    return trainer
