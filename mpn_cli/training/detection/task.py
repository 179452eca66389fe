"""Training the person detector on pictures in which every person has a box."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from models.detector import PersonDetector
from models.network import channels_last
from models.registry import PERSON_DETECTOR
from models.weights import WeightsError, load_weights, read_tensors
from mpn_cli.training.data_sets import TrainingDataError, held_out
from mpn_cli.training.detection.losses import detection_loss
from mpn_cli.training.detection.pictures import load_pictures, open_picture_cache
from mpn_cli.training.detection.samples import DetectionBatch, ViewMaker
from mpn_cli.training.detection.validation import box_ap
from mpn_cli.training.recipe import Recipe

CACHE_MARGIN = 1.5
"""Cached pictures over the input's size, so that enlarged views find their pixels."""


class DetectionTask:
    """The pictures of one data set; some of them validate."""

    def __init__(self, recipe: Recipe) -> None:
        if len(recipe.data) != 1:
            raise TrainingDataError("--task detect takes one data set")
        if any(side % 32 for stage in recipe.stages for side in stage.input_size):
            raise TrainingDataError("--stages: the detector's sides are multiples of 32")
        self.recipe = recipe
        self.network = channels_last(_start(recipe.initial_weights))
        pictures = load_pictures(recipe.data[0])
        validates = held_out(recipe.data[0], pictures.paths, recipe.validate_every)
        self.pictures, self.validation = pictures.where(~validates), pictures.where(validates)
        self.samples = len(self.pictures)

    def open_stage(self, input_size: tuple[int, int], folder: Path) -> DetectionStage:
        """The pictures at an input size (width, height)."""
        return DetectionStage(self, input_size, folder)


class DetectionStage:
    """Views of one size."""

    def __init__(self, task: DetectionTask, input_size: tuple[int, int], folder: Path) -> None:
        side = round(max(input_size) * CACHE_MARGIN)
        self.input_size = input_size
        self.validation = open_picture_cache(task.validation, side, folder)
        cache = open_picture_cache(task.pictures, side, folder)
        self.device = torch.device(task.recipe.device)
        self.batches = ViewMaker(cache, input_size, task.recipe.batch, task.recipe.seed)

    def loss(self, network: nn.Module, batch: DetectionBatch) -> Tensor:
        """The detection loss of a batch."""
        pictures = torch.from_numpy(batch.pictures).to(self.device)
        found = network(pictures.to(memory_format=torch.channels_last))
        return detection_loss(found.float(), torch.from_numpy(batch.targets).to(self.device))

    def validate(self, network: nn.Module) -> float:
        """Box AP on the held-out pictures."""
        assert isinstance(network, PersonDetector)
        return box_ap(network, self.validation, self.input_size)


def _start(initial: Path | None) -> PersonDetector:
    """A detector from a detector's weights, from a pose network's encoder, or from scratch."""
    if initial is None:
        return PERSON_DETECTOR.build()
    tensors, header = read_tensors(initial)
    if header.model == PERSON_DETECTOR.name:
        return load_weights(initial, PERSON_DETECTOR)[0]
    network = PERSON_DETECTOR.build()
    own = network.state_dict()
    encoder = {
        name: tensor.float()
        for name, tensor in tensors.items()
        if name.startswith(("stem.", "encoder.")) and name in own
    }
    if not encoder or any(own[name].shape != tensor.shape for name, tensor in encoder.items()):
        raise WeightsError(f"{initial}: weights of {header.model}, whose encoder is another one")
    network.load_state_dict(encoder, strict=False)
    return network
