"""The input and output of a person detector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from mpn_cli.base.arrays import Float64Array, Picture
from mpn_cli.base.recipe import DetectorSetup


@runtime_checkable
class Detector(Protocol):
    """A detector: a name and a call.

    Boxes with a score under ``--bbox-thr`` and those that overlap a better one too much are dropped
    afterwards, so that a detector needs no threshold or NMS of its own.

    Two optional attributes describe it; a missing one counts as False:

    - ``whole_pictures: bool``: each of its boxes is a whole picture, taken as one person;
    - ``one_by_one: bool``: a picture's boxes do not depend on the pictures given with it.
    """

    name: str

    def __call__(self, pictures: Sequence[Picture]) -> list[Float64Array]:
        """RGB pictures -> for each (N, 5): x, y, width, height in pixels, score in 0..1."""
        ...


class NetworkDetector:
    """Base of detector classes whose constructor takes settings, threads and a device."""

    def __init__(self, setup: DetectorSetup, threads: int | None, device: str = "cpu") -> None:
        """Make it ready on ``threads`` CPU threads, all cores if None, or on another device.

        Raises InputError.
        """
        raise NotImplementedError

    @classmethod
    def weights_sha256(cls) -> str:
        """Hash of the weights, part of a job's hash. Loads no network."""
        return ""

    @classmethod
    def prepare(cls, setup: DetectorSetup) -> None:
        """Do the preparations shared by all workers, once. Raises InputError."""


def takes_whole_pictures(detector: object) -> bool:
    """Whether each box of a detector, or of a class of detectors, is a whole picture."""
    return bool(getattr(detector, "whole_pictures", False))


def works_one_by_one(detector: object) -> bool:
    """Whether a picture's boxes are the same whatever pictures are given with it."""
    return bool(getattr(detector, "one_by_one", False))
