"""A job: tasks cut into shards, a recipe, and the hash that tells one job from another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from mpn_cli.base.recipe import Recipe
from mpn_cli.base.text import to_json
from mpn_cli.base.version import __version__
from mpn_cli.networks.sources import network_of
from mpn_cli.sources.reading import file_stamp
from mpn_cli.sources.tasks import FrameTask, Task

SHARD_SIZES = (4, 32)
"""Pictures per shard, in small and in large jobs: every core is busy, and files are few."""

LONGEST_RUN = 256
"""Frames per shard where no key frame comes for long; most encoders write one every 250 frames."""

DIGEST_BYTES = 16

_NO_OVERLAYS = {"overlay": False, "overlay_boxes": False, "overlay_scores": False}

Digests = NDArray[np.uint8]
"""(N, 16) bytes: one digest per picture."""

DEVICE_SHARD_SIZES = (32, 512)
"""The same for GPUs, which a few people at once leave idle."""


def usual_shard_size(pictures: int, device: str = "cpu") -> int:
    """A 64th of the job within limits; the number of workers has no say in it."""
    smallest, largest = SHARD_SIZES if device == "cpu" else DEVICE_SHARD_SIZES
    return min(max(pictures // 64, smallest), largest)


@dataclass(frozen=True)
class Job:
    """What is to be done; the same job gives the same bytes."""

    tasks: Sequence[Task]
    """By ascending image id."""
    recipe: Recipe
    shard_size: int
    """Number of pictures per shard; of frames at least so many, up to a key frame."""

    @property
    def shards(self) -> int:
        """How many shards the job has."""
        return len(self.bounds) - 1

    def shard(self, number: int) -> Sequence[Task]:
        """The tasks of one shard."""
        return self.tasks[self.bounds[number] : self.bounds[number + 1]]

    @cached_property
    def bounds(self) -> Sequence[int]:
        """Where each shard begins among the tasks, and where the last one ends."""
        many = len(self.tasks)
        if not any(isinstance(task, FrameTask) for task in self.tasks):
            return (*range(0, many, self.shard_size), many)
        return _frame_bounds(self.tasks, self.shard_size)

    @cached_property
    def inputs(self) -> Digests:
        """(N, 16) bytes: a digest of each task but for its image id, and of its file's stamp."""
        digests = bytearray()
        for task in self.tasks:
            of = msgspec.structs.replace(task, image_id=0, stamp=None)
            content = to_json((of, task.stamp or file_stamp(task.path)))
            digests += hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()
        return np.frombuffer(bytes(digests), dtype=np.uint8).reshape(-1, DIGEST_BYTES)

    @cached_property
    def hash(self) -> str:
        """SHA-256 over version, what decides the results, and the pictures with their ids."""
        digest = hashlib.sha256(f"{__version__}\n".encode())
        digest.update(to_json(what_decides(self.recipe)))
        ids = np.fromiter((task.image_id for task in self.tasks), np.int64, len(self.tasks))
        digest.update(ids.tobytes())
        digest.update(self.inputs.tobytes())
        return digest.hexdigest()


def _frame_bounds(tasks: Sequence[Task], size: int) -> Sequence[int]:
    """Shards that begin at key frames, so that no frame is decoded for two of them.

    Each holds frames of one video, or pictures. Where key frames are very far apart, some frames
    are decoded twice instead.
    """
    bounds = [0]
    for place in range(1, len(tasks)):
        before, task, many = tasks[place - 1], tasks[place], place - bounds[-1]
        if isinstance(task, FrameTask) and isinstance(before, FrameTask):
            enters = before.frame.start_number != task.frame.start_number
            cut = (many >= size and enters) or many >= max(size, LONGEST_RUN)
            cut = cut or before.path != task.path
        else:
            cut = many >= size or isinstance(task, FrameTask) or isinstance(before, FrameTask)
        if cut:
            bounds.append(place)
    return (*bounds, len(tasks))


def what_decides(recipe: Recipe) -> Recipe:
    """A recipe with the options that change no result left at their defaults.

    Where the weights lie does not matter, only what they are; overlays are drawn beside. The batch
    does not either where :func:`is_batch_free`.
    """
    return msgspec.structs.replace(
        recipe,
        weights="",
        batch=0 if is_batch_free(recipe) else recipe.batch,
        **_NO_OVERLAYS,
    )


def without_overlays(job: Job) -> Job:
    """The same job, which draws nothing."""
    return replace(job, recipe=msgspec.structs.replace(job.recipe, **_NO_OVERLAYS))


def is_batch_free(recipe: Recipe) -> bool:
    """Whether a crop's heatmaps are the same to the last bit in any batch."""
    return network_of(recipe).is_batch_free(recipe)
