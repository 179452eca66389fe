"""Data-parallel training: several processes, one network, each with its share of every batch.

On CPUs two processes with a thread each waste less than one process with two threads. Gradients are
averaged by torch's DistributedDataParallel over gloo; the first process decides for all of them
when to stop, validates, logs and saves.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import distributed, nn
from torch.multiprocessing.spawn import start_processes
from torch.nn.parallel import DistributedDataParallel

from mpn_cli.training.batches import Share
from mpn_cli.training.memory import keep_memory

ALONE = Share()
"""One process works on whole batches."""


def parallel(network: nn.Module, share: Share) -> nn.Module:
    """The network whose backward pass averages gradients over the processes."""
    if share.processes == 1:
        return network
    # Each process's batch norms see its share only; the first one's statistics are kept.
    return DistributedDataParallel(network)


def agree(share: Share, *values: float) -> list[float]:
    """The first process's values, in every process."""
    if share.processes == 1:
        return list(values)
    tensor = torch.tensor(values, dtype=torch.float64)
    distributed.broadcast(tensor, 0)
    return tensor.tolist()


def wait_for_all(share: Share) -> None:
    """Wait until every process is here."""
    if share.processes > 1:
        distributed.barrier()


@contextmanager
def processes(
    count: int, work: Callable[..., None], arguments: tuple[object, ...]
) -> Iterator[Share]:
    """Start ``count`` - 1 more processes that call ``work(share, *arguments)``; yields our share.

    ``work`` and the arguments are pickled. Leaving the context waits for the other processes, or
    ends them after an error.
    """
    if count == 1:
        yield ALONE
        return
    with tempfile.TemporaryDirectory(prefix="mpn-train-") as folder:
        meeting = Path(folder) / "meeting"
        threads = torch.get_num_threads()
        others = start_processes(  # type: ignore[no-untyped-call]
            _join, (meeting, count, threads, work, arguments), count - 1, join=False, daemon=True
        )
        try:
            share = Share(0, count)
            _meet(meeting, share)
            yield share
            while not others.join():
                pass
        finally:
            for process in others.processes:
                process.kill()
            if distributed.is_initialized():
                distributed.destroy_process_group()


def _join(
    index: int,
    meeting: Path,
    count: int,
    threads: int,
    work: Callable[..., None],
    arguments: tuple[object, ...],
) -> None:
    keep_memory()
    torch.set_num_threads(threads)
    os.setpgrp()  # Ctrl-C is the first process's to hear
    share = Share(index + 1, count)
    _meet(meeting, share)
    work(share, *arguments)
    distributed.destroy_process_group()


def _meet(meeting: Path, share: Share) -> None:
    distributed.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=share.rank, world_size=share.processes
    )
