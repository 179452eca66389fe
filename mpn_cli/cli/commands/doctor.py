"""``mpn doctor``: what to paste into a bug report."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mpn_models.registry import MODELS, PERSON_DETECTOR

from mpn_cli.base.cores import usable_cores
from mpn_cli.base.version import __version__
from mpn_cli.cli import console
from mpn_cli.networks.openvino_cache import VARIABLE, cache_folder, is_writable

LIBRARIES = (
    "torch",
    "openvino",
    "onnxruntime",
    "numpy",
    "opencv-python-headless",
    "numba",
    "joblib",
    "pycocotools",
    "pillow",
    "typer",
    "rich",
    "pydantic",
    "msgspec",
    "safetensors",
)

VARIABLES = ("OMP_", "MKL_", "NUMBA_", "OPENBLAS_", "CUDA_", "MPN_", "XDG_CACHE_HOME")
"""Prefixes of the environment variables that affect mpn."""


def doctor(*, as_json: bool, quiet: bool = False) -> None:
    """Versions, devices, threads, caches."""
    found = {
        "versions": {"mpn": __version__, "python": platform.python_version()}
        | {name: _version(name) for name in LIBRARIES},
        "machine": {
            "system": platform.platform(),
            "processor": _processor(),
            "cores": f"{usable_cores()} usable of {os.cpu_count()}",
            "memory": _memory(),
            "gpu": _gpu(),
        },
        "weights": {name: "shipped" for name, file in _weights().items() if file.is_file()},
        "caches": {name: _size(folder) for name, folder in _caches().items()},
        "environment": {
            name: value for name, value in sorted(os.environ.items()) if name.startswith(VARIABLES)
        },
        "program": {"started as": sys.argv[0], "installed in": str(Path(__file__).parents[2])},
    }
    if as_json:
        console.print_json(found)
        return
    for title, rows in found.items():
        if not rows or (quiet and title != "versions"):
            continue
        table = console.make_table(title, ("", ""))
        table.show_header = False
        for name, value in rows.items():
            table.add_row(name, value)
        console.print_table(table)


def _weights() -> dict[str, Path]:
    own = {name: model.weights for name, model in MODELS.items()}
    return own | {PERSON_DETECTOR.name: PERSON_DETECTOR.weights}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> str:
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return "unknown"
    return f"{total / 2**30:.1f} GiB"


def _gpu() -> str:
    import torch

    if not torch.cuda.is_available():
        return "none that torch can use"
    return ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))


def _caches() -> dict[str, Path]:
    own = cache_folder()
    return {str(own / name): own / name for name in ("openvino", "networks")}


def _size(folder: Path) -> str:
    unwritable = "" if is_writable(folder) else f", can't be written; {VARIABLE} names another"
    if not folder.is_dir():
        return f"empty{unwritable}"
    sizes = [file.stat().st_size for file in folder.rglob("*") if file.is_file()]
    return f"{sum(sizes) / 1e6:.1f} MB in {len(sizes)} files{unwritable}"
