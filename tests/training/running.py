"""Running a trainer, to its end or stopped on the way, and people to train on."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from mpn_cli.training.loop import Trainer
from mpn_cli.training.pose.cache import CropCache
from mpn_cli.training.pose.people import People
from mpn_cli.training.pose.task import PoseStage
from mpn_cli.training.recipe import Recipe


def cache_of(crops: np.ndarray, keypoints: np.ndarray, weights: np.ndarray) -> CropCache:
    """Regions (N, H, W, 3) of people with keypoints (N, K, 2) in them and weights (N, K)."""
    unused = np.zeros(len(crops), dtype=np.int64)
    boxes = np.zeros((len(crops), 4))
    of = People(Path(), (), "", unused, unused, boxes, keypoints, weights)
    return CropCache(of, crops, keypoints)


def run_recipe(recipe: Recipe, out: Path, stop_after: int | None = None) -> Trainer:
    """Train, and ask to stop during step ``stop_after``."""
    torch.set_num_threads(1)
    trainer = Trainer(recipe, out, lambda event: None)
    if stop_after is not None:
        step = trainer._step

        def stopping(data: PoseStage, batch: Any) -> torch.Tensor:
            if trainer.progress.step + 1 == stop_after:
                trainer.stop()
            return step(data, batch)

        trainer._step = stopping  # type: ignore[method-assign]
    trainer.run()
    return trainer
