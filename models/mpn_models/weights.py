"""Weight files: safetensors with the architecture and a hash in their header.

Nothing in a weight file is executed. The hash is SHA-256 over the tensors' names, shapes and
bytes in name order; it stands in the header and is checked whenever the tensors are read. Reading
a header needs no torch.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

if TYPE_CHECKING:
    from torch import Tensor, nn

AnyArray = NDArray[Any]

FORMAT = "mobileposenet/1"

_Network = TypeVar("_Network", bound="nn.Module", covariant=True)


class Buildable(Protocol[_Network]):
    """A network of the registry."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    def build(self) -> _Network:
        """The network with fresh weights."""
        ...


class WeightsError(ValueError):
    """A weight file that can't be used; the message says why."""


@dataclass(frozen=True, slots=True)
class WeightsHeader:
    """What a weight file says about itself."""

    model: str
    sha256: str


def hash_arrays(arrays: dict[str, AnyArray]) -> str:
    """SHA-256 over names, types (as torch calls them), shapes and bytes, in name order."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} torch.{array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def save_weights(file: Path, network: nn.Module, model: str) -> str:
    """Write a network's weights in half precision; returns their hash.

    Raises WeightsError where the file can't be written.
    """
    from safetensors.torch import save_file

    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous().cpu()
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    digest = hash_arrays({name: tensor.numpy() for name, tensor in tensors.items()})
    header = {"format": FORMAT, "model": model, "sha256": digest}
    unfinished = file.with_name(f".mpn-{uuid4().hex}.tmp")
    try:
        save_file(tensors, unfinished, header)
        with unfinished.open("rb+") as written:
            os.fsync(written.fileno())
        unfinished.replace(file)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{file}: can't be written: {error}") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return digest


def read_header(file: Path) -> WeightsHeader:
    """A weight file's header, checked against its content; needs no torch. Raises WeightsError."""
    return _read(file)[0]


def _read(file: Path) -> tuple[WeightsHeader, dict[str, AnyArray]]:
    if not file.is_file():
        raise WeightsError(f"{file}: no such weights file")
    try:
        with safe_open(file, framework="numpy") as content:
            metadata = content.metadata() or {}
            arrays = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError) as error:  # TypeError: a type numpy lacks
        raise WeightsError(
            f"{file}: not a readable safetensors file ({error}); pickled weights are not loaded"
        ) from None
    if metadata.get("format") != FORMAT:
        raise WeightsError(f"{file}: a safetensors file, but not one of mpn's ({FORMAT})")
    if not metadata.get("model"):
        raise WeightsError(f"{file}: its header does not say which network it is for")
    if hash_arrays(arrays) != metadata.get("sha256"):
        raise WeightsError(f"{file}: damaged: its content does not match its hash")
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise WeightsError(f"{file}: holds numbers that are not finite; was its training stopped?")
    return WeightsHeader(metadata["model"], metadata["sha256"]), arrays


def read_tensors(file: Path) -> tuple[dict[str, Tensor], WeightsHeader]:
    """A weight file's tensors by name. Raises WeightsError for a missing or damaged file."""
    import torch

    header, arrays = _read(file)
    return {name: torch.from_numpy(array) for name, array in arrays.items()}, header


def load_weights(file: Path, model: Buildable[_Network]) -> tuple[_Network, WeightsHeader]:
    """The network that a weight file holds, in evaluation mode, float32.

    Raises WeightsError where the file is missing, damaged, no safetensors, or does not fit
    ``model``.
    """
    tensors, header = read_tensors(file)
    network = model.build()
    own = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    unlike = [
        n for n in sorted(own.keys() | tensors.keys()) if _shape(own, n) != _shape(tensors, n)
    ]
    if unlike:
        raise WeightsError(
            f"{file}: weights of {header.model}, which do not fit {model.name}"
            f" ({len(unlike)} tensors differ, first {unlike[0]})"
        )
    network.load_state_dict(
        {name: tensor.float() for name, tensor in tensors.items()}, strict=False
    )
    return network.eval(), header


def _shape(tensors: dict[str, Tensor], name: str) -> tuple[int, ...] | None:
    return tuple(tensors[name].shape) if name in tensors else None
