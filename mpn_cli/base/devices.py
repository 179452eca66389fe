"""Devices by name: cpu, cuda, cuda:1, cuda:0,1, mps."""

from __future__ import annotations

import re

from mpn_cli.base.errors import InputError

CPU = "cpu"


def device_kind(name: str) -> str:
    """The kind of a device: cpu, cuda or mps. Raises InputError for an unknown name."""
    if not re.fullmatch(r"cpu|mps|cuda(:\d+(,\d+)*)?", name):
        raise InputError(f"--device {name}: not cpu, cuda, cuda:0,1 or mps")
    return name.partition(":")[0]


def find_devices(name: str) -> tuple[str, ...]:
    """Torch's names of the devices that a name stands for.

    Raises InputError if one of them is not available on this machine.
    """
    kind = device_kind(name)
    if kind == CPU:
        return (CPU,)
    import torch

    if kind == "mps":
        if not torch.backends.mps.is_available():
            raise InputError(f"--device mps: torch {torch.__version__} sees none here")
        return ("mps",)
    available = torch.cuda.device_count()
    if not available:
        raise InputError(
            f"--device {name}: torch {torch.__version__} sees no CUDA device here;"
            " it needs a GPU, its driver and a CUDA build of torch"
        )
    listed = [int(number) for number in name.partition(":")[2].split(",") if number]
    numbers = listed or list(range(available))
    missing = [number for number in numbers if number >= available]
    if missing:
        raise InputError(
            f"--device {name}: there is no cuda:{missing[0]}, only {available} devices"
        )
    return tuple(f"cuda:{number}" for number in dict.fromkeys(numbers))
