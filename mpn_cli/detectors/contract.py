"""What a person detector is given and gives back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from mpn_cli.arrays import Float64Array, Picture


@runtime_checkable
class Detector(Protocol):
    """A detector: a name and a call."""

    name: str

    def __call__(self, pictures: Sequence[Picture]) -> list[Float64Array]:
        """RGB pictures -> for each (N, 5): x, y, width, height in pixels, score in 0..1."""
        ...
