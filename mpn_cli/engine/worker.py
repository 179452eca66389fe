"""What runs in a worker process: it loads the tools once and keeps them."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2

from mpn_cli.engine.folder import PARTS, writing
from mpn_cli.engine.overlays import write_overlays
from mpn_cli.engine.parts import PartHeader, write_part
from mpn_cli.pipeline.recipe import Recipe
from mpn_cli.pipeline.shard import Tools, annotate_shard
from mpn_cli.results.poses import ShardResult
from mpn_cli.sources.tasks import Task

PARENT_SECONDS = 0.5
"""How often a worker looks whether the command that started it still lives."""


@dataclass(frozen=True, slots=True)
class Orders:
    """The same for all shards of a job."""

    job: str
    """The job's hash."""
    recipe: Recipe
    out: Path
    threads: int


def start(parent: int) -> None:
    """Set a fresh worker up: when to end is for the process ``parent`` to say, or its death."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os._exit(1)


@lru_cache(maxsize=1)
def _tools(recipe: Recipe, threads: int) -> Tools:
    cv2.setNumThreads(threads)
    return Tools.load(recipe, threads)


def annotate(orders: Orders, tasks: Sequence[Task]) -> ShardResult:
    """Annotate some pictures and draw their overlays, if wanted."""
    tools = _tools(orders.recipe, orders.threads)
    result = annotate_shard(tasks, tools)
    if orders.recipe.overlay:
        with writing(orders.out):
            write_overlays(orders.out / "overlays", tasks, result, tools)
    return result


def annotate_part(orders: Orders, number: int, tasks: Sequence[Task]) -> PartHeader:
    """Annotate a shard and write its part. Raises InputError where OUT can't be written."""
    result = annotate(orders, tasks)
    with writing(orders.out):
        return write_part(orders.out / PARTS, orders.job, number, result)
