"""A job: tasks cut into shards, a recipe, and the hash that tells one job from another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec

from mpn_cli.pipeline.recipe import Recipe
from mpn_cli.sources.reading import file_stamp
from mpn_cli.sources.tasks import Task
from mpn_cli.text import to_json
from mpn_cli.version import __version__

SHARD_SIZES = (4, 32)
"""Pictures a shard of small and of large jobs: every core busy, few files."""


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
    """Pictures a shard."""

    @property
    def shards(self) -> int:
        """How many shards the job has."""
        return -(-len(self.tasks) // self.shard_size)

    def shard(self, number: int) -> Sequence[Task]:
        """The tasks of one shard."""
        return self.tasks[number * self.shard_size : (number + 1) * self.shard_size]

    @cached_property
    def hash(self) -> str:
        """SHA-256 over version, recipe, shard size and the pictures: path, size, time, boxes."""
        digest = hashlib.sha256(f"{__version__} {self.shard_size}\n".encode())
        # Where the weights lie does not matter, only what they are.
        digest.update(to_json(msgspec.structs.replace(self.recipe, weights="")))
        for task in self.tasks:
            digest.update(to_json((task, task.stamp or file_stamp(task.path))))
        return digest.hexdigest()
