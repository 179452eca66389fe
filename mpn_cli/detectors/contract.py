"""What a person detector is given and gives back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from mpn_cli.base.arrays import Float64Array, Picture
from mpn_cli.base.recipe import DetectorSetup


@runtime_checkable
class Detector(Protocol):
    """A detector: a name and a call.

    Scores order and thin out what is found: boxes under ``--bbox-thr`` and those that overlap a
    better one too much are left out afterwards, so that a detector needs no threshold or NMS.
    """

    name: str

    def __call__(self, pictures: Sequence[Picture]) -> list[Float64Array]:
        """RGB pictures -> for each (N, 5): x, y, width, height in pixels, score in 0..1."""
        ...


class NetworkDetector:
    """Base of detector classes that are told what to run on when they are made."""

    def __init__(self, setup: DetectorSetup, threads: int | None, device: str = "cpu") -> None:
        """Make it ready on ``threads`` CPU threads, all cores if None, or on another device.

        Raises InputError.
        """
        raise NotImplementedError

    @classmethod
    def weights_sha256(cls) -> str:
        """What tells its weights from others: part of a job's hash. Loads no network."""
        return ""

    @classmethod
    def prepare(cls, setup: DetectorSetup) -> None:
        """Do once what all workers need. Raises InputError."""
