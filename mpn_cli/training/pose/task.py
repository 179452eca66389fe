"""Training a pose network on labelled people."""

from __future__ import annotations

from pathlib import Path

import torch
from mpn_models.blocks import multiply_in_bfloat16
from mpn_models.network import MobilePoseNet, channels_last
from mpn_models.registry import MODELS
from mpn_models.weights import load_weights
from torch import Tensor, nn

from mpn_cli.base.skeletons import SKELETONS
from mpn_cli.training.pose.cache import open_cache
from mpn_cli.training.pose.crops import CropBatch, CropBatches
from mpn_cli.training.pose.losses import LOSSES
from mpn_cli.training.pose.people import People, load_people, split_by_picture
from mpn_cli.training.pose.validation import validation_ap
from mpn_cli.training.recipe import Recipe


class PoseTask:
    """The people of all data sets; some of the first one's validate."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        model = MODELS[recipe.model]
        self.skeleton = SKELETONS[model.joints]
        network = (
            load_weights(recipe.initial_weights, model)[0]
            if recipe.initial_weights
            else model.build()
        )
        network.joins_head = recipe.join_head
        if recipe.precision == "bf16" and recipe.device == "cpu":
            multiply_in_bfloat16(network)
        self.network = channels_last(network)
        people = [load_people(source, model.joints) for source in recipe.data]
        people[0], self.validation = split_by_picture(people[0], recipe.validate_every)
        self.people: list[People] = people
        self.samples = sum(map(len, people))

    def open_stage(self, input_size: tuple[int, int], folder: Path) -> PoseStage:
        """The crops at an input size (width, height)."""
        return PoseStage(self, input_size, folder)


class PoseStage:
    """Crops of one size."""

    def __init__(self, task: PoseTask, input_size: tuple[int, int], folder: Path) -> None:
        recipe = task.recipe
        caches = [open_cache(people, input_size, folder) for people in task.people]
        self.validation = open_cache(task.validation, input_size, folder)
        self.skeleton = task.skeleton
        self.input_size = input_size
        self.loss_function = LOSSES[recipe.loss]
        self.batches = CropBatches(
            caches,
            recipe.mix,
            task.skeleton,
            recipe.augmentation,
            input_size,
            recipe.batch,
            recipe.seed,
            torch.device(recipe.device),
        )

    def loss(self, network: nn.Module, batch: CropBatch) -> Tensor:
        """The recipe's loss of a batch."""
        found = network(batch.crops)
        return self.loss_function(found.float(), batch.heatmaps, batch.weights)

    def validate(self, network: nn.Module) -> float:
        """Keypoint AP on the held-out people, with flip test."""
        assert isinstance(network, MobilePoseNet)
        return validation_ap(network, self.validation, self.skeleton, self.input_size)
