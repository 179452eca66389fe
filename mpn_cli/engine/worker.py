"""What runs in a worker process: it loads the tools once and keeps them."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
from filelock import BaseFileLock, FileLock, Timeout

from mpn_cli.base.devices import CPU
from mpn_cli.base.errors import InputError
from mpn_cli.base.recipe import Recipe
from mpn_cli.base.stopping import STOP_SIGNALS
from mpn_cli.engine.folder import PARTS, writing
from mpn_cli.engine.overlays import KeptPixels, overlay_style, write_overlays
from mpn_cli.engine.parts import PartHeader, note_overlays, part_pictures, read_part, write_part
from mpn_cli.pipeline.shard import annotate_shard
from mpn_cli.pipeline.tools import Tools
from mpn_cli.results.poses import ShardResult
from mpn_cli.sources.decoder_lines import listen
from mpn_cli.sources.tasks import Task

PARENT_SECONDS = 0.5
"""How often a worker looks whether the command that started it still lives."""


@dataclass(frozen=True, slots=True)
class Orders:
    """Instructions for workers, the same for all shards of a job."""

    job: str
    """The job's hash."""
    recipe: Recipe
    out: Path
    threads: int
    devices: tuple[str, ...] = (CPU,)
    """Devices to use; each one other than the cpu has one worker process."""


def start(parent: int) -> None:
    """Set a fresh worker up: when to end is for the process ``parent`` to say, or its death."""
    listen()
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os._exit(1)


@lru_cache(maxsize=1)
def _tools(recipe: Recipe, threads: int, device: str) -> Tools:
    cv2.setNumThreads(threads)
    return Tools.load(recipe, threads, device)


@lru_cache(maxsize=4)
def _device_of_this_process(out: Path, devices: tuple[str, ...]) -> str:
    """The first device that no other worker of the job has taken."""
    for device in devices:
        lock = FileLock(out / PARTS / f".{device.replace(':', '-')}.lock", blocking=False)
        with contextlib.suppress(Timeout):
            lock.acquire()
            _kept_locks.append(lock)
            return device
    raise InputError(f"more workers than devices ({', '.join(devices)})")


_kept_locks: list[BaseFileLock] = []
"""Held as long as the process lives: a device whose worker dies is free for the next."""


def annotate(orders: Orders, tasks: Sequence[Task]) -> ShardResult:
    """Annotate some pictures and draw their overlays, if wanted."""
    device = CPU
    if orders.devices != (CPU,):
        device = _device_of_this_process(orders.out, orders.devices)
    tools = _tools(orders.recipe, orders.threads, device)
    if not orders.recipe.overlay:
        return annotate_shard(tasks, tools)
    kept = KeptPixels()
    result = annotate_shard(tasks, tools, seen=kept.keep)
    with writing(orders.out):
        write_overlays(orders.out, tasks, result.pictures, orders.recipe, kept)
    return result


def annotate_part(orders: Orders, number: int, tasks: Sequence[Task]) -> PartHeader:
    """Annotate a shard and write its part. Raises InputError where OUT can't be written."""
    result = annotate(orders, tasks)
    with writing(orders.out):
        parts, style = orders.out / PARTS, overlay_style(orders.recipe)
        return write_part(parts, orders.job, number, result, style)


def draw_part(orders: Orders, number: int, tasks: Sequence[Task]) -> PartHeader:
    """Draw the overlays of a shard that is finished; its poses stay as they are.

    Raises InputError where OUT can't be written or the part is not there any more.
    """
    parts = orders.out / PARTS
    header = read_part(parts, orders.job, number)
    if header is None:
        raise InputError(f"{parts}/ was changed while it was in use; start the command again")
    cv2.setNumThreads(orders.threads)
    with writing(orders.out):
        pictures = part_pictures(parts, number)
        write_overlays(orders.out, tasks, pictures, orders.recipe, KeptPixels())
        return note_overlays(parts, header, overlay_style(orders.recipe))
