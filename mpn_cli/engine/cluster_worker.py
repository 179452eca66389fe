"""What runs in a cluster's worker: the same as locally, after checks of the machine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import msgspec
from mpn_nms.plugins import PluginError

from mpn_cli.base.errors import InputError
from mpn_cli.base.recipe import Recipe
from mpn_cli.base.version import __version__
from mpn_cli.detectors.registry import detector_hash
from mpn_cli.engine.folder import PARTS
from mpn_cli.engine.parts import PartHeader
from mpn_cli.engine.worker import Orders, annotate_part
from mpn_cli.networks.scoring import load_scoring
from mpn_cli.networks.sources import network_here
from mpn_cli.sources.remote import is_remote
from mpn_cli.sources.tasks import Task

OUT_SECONDS = 30.0
"""How long shared storage may take to show a new folder to a worker."""

_one_at_a_time = threading.Lock()
"""A worker with several threads gives them all to one shard's network."""


def annotate_part_there(
    orders: Orders, version: str, number: int, tasks: Sequence[Task]
) -> PartHeader:
    """Annotate a shard and write its part to shared storage.

    Raises InputError for a worker that can't do what the client would do: another version, other
    weights, no way to OUT or to the pictures.
    """
    with _one_at_a_time:
        here = replace(orders, recipe=_recipe_here(orders.recipe, version), threads=_threads())
        _find_out(orders.out)
        if not any(is_remote(task.path) or Path(task.path).exists() for task in tasks):
            raise InputError(
                f"worker on {socket.gethostname()} sees none of a shard's pictures"
                f" (first: {tasks[0].path}): pictures must lie on storage that all machines share"
            )
        return annotate_part(here, number, tasks)


def greet(orders: Orders, version: str) -> str:
    """Why a worker can't do this job, "" if it can; asked before the first shard."""
    try:
        _recipe_here(orders.recipe, version)
        _find_out(orders.out)
    except (InputError, PluginError) as error:
        return str(error)
    return ""


@lru_cache(maxsize=4)
def _recipe_here(recipe: Recipe, version: str) -> Recipe:
    """The recipe with the weights where they lie on this machine."""
    host = socket.gethostname()
    if version != __version__:
        raise InputError(f"worker on {host} has mpn {__version__}, the client {version}")
    try:
        weights = network_here(recipe)
        load_scoring(weights, recipe.score_sha256)
        detector = detector_hash(recipe.detector) if recipe.detector else ""
    except (InputError, PluginError) as error:
        raise InputError(f"worker on {host}: {error}") from None
    if detector != recipe.detector_sha256:
        raise InputError(f"worker on {host} has another detector {recipe.detector} than the client")
    return msgspec.structs.replace(recipe, weights=str(weights))


def _find_out(out: Path) -> None:
    patience = time.monotonic() + OUT_SECONDS
    while not (out / PARTS).is_dir():
        if time.monotonic() > patience:
            raise InputError(
                f"worker on {socket.gethostname()} does not see {out}/: --out must lie on storage"
                " that all machines share"
            )
        time.sleep(0.2)


def _threads() -> int:
    from distributed import get_worker

    return max(1, int(get_worker().state.nthreads))
