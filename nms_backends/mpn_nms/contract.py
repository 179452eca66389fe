"""The input and output of a backend; a plug-in needs nothing else from this package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
Int64Array = NDArray[np.int64]


class NmsInputError(ValueError):
    """Poses that no backend can take: NaN, areas of 0, shapes that don't fit.

    Code that reads poses from a file must check them itself; from any other source this is a bug.
    """


class NmsOutputError(RuntimeError):
    """A backend gave back what the contract forbids; the message names the backend."""


@dataclass(frozen=True, slots=True)
class PoseBatch:
    """The poses of many pictures; the rows of each picture are contiguous."""

    keypoints: FloatArray
    """(N, K, 2) pixels."""
    confidences: FloatArray
    """(N, K) in 0..1."""
    scores: FloatArray
    """(N,) pose confidence p (paper, eqs. 6 and 7)."""
    areas: FloatArray
    """(N,) detection-box area, pixels squared."""
    offsets: Int64Array
    """(B + 1,): picture b owns rows offsets[b] to offsets[b + 1]."""
    sigmas: FloatArray
    """(K,) OKS constants."""

    @property
    def pictures(self) -> int:
        """B, how many pictures the batch has."""
        return len(self.offsets) - 1


@dataclass(frozen=True, slots=True)
class NmsConfig:
    """How to suppress (reference: the paper's Algorithm 1 and eqs. 9, 10)."""

    method: str = "hard"
    thr: float = 0.9
    """OKS over which ``hard`` drops a pose; the scale of ``soft``."""
    sigma: float = 0.5
    """Width of the Gaussian decay of ``matrix``."""
    score_thr: float = 0.0
    """``matrix`` keeps poses with a new score above this."""
    max_dets: int = 20
    """Maximum number of poses per picture that ``soft`` and ``matrix`` keep."""
    oks_vis_thr: float | None = None
    """If set, OKS uses only joints more confident than this in both poses."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The poses that suppression keeps, and their new scores."""

    rows: Int64Array
    """(M,) rows of the batch, each picture's in descending new score."""
    scores: FloatArray
    """(M,) new scores."""
    offsets: Int64Array
    """(B + 1,): picture b owns entries offsets[b] to offsets[b + 1]."""


@runtime_checkable
class NmsBackend(Protocol):
    """A backend: a name, the methods it has, and a call. Input arrays are left untouched."""

    name: str
    methods: tuple[str, ...]

    def __call__(self, batch: PoseBatch, config: NmsConfig) -> Kept:
        """Suppress; one picture never influences another."""
        ...


def check_batch(batch: PoseBatch) -> None:
    """Raise NmsInputError, with what is wrong, unless a batch can be suppressed."""
    poses = len(batch.scores)
    joints = len(batch.sigmas)
    shapes = {
        "keypoints": (batch.keypoints.shape, (poses, joints, 2)),
        "confidences": (batch.confidences.shape, (poses, joints)),
        "areas": (batch.areas.shape, (poses,)),
    }
    for name, (found, wanted) in shapes.items():
        if found != wanted:
            raise NmsInputError(f"{name} are {found}, {poses} poses of {joints} joints {wanted}")
    offsets = batch.offsets
    if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != poses or (np.diff(offsets) < 0).any():
        raise NmsInputError(f"offsets must rise from 0 to {poses}")
    for name in ("keypoints", "confidences", "scores", "areas", "sigmas"):
        if not np.isfinite(getattr(batch, name)).all():
            raise NmsInputError(f"{name} hold NaN or infinity")
    if (batch.areas <= 0).any():
        row = int(np.flatnonzero(batch.areas <= 0)[0])
        raise NmsInputError(f"pose {row} has area {batch.areas[row]:g}; areas are over 0")
    if (batch.sigmas <= 0).any():
        raise NmsInputError("sigmas are over 0")


def check_kept(kept: Kept, batch: PoseBatch, backend: str) -> None:
    """Raise NmsOutputError, naming the backend, where its answer breaks the contract."""
    rows, offsets = kept.rows, kept.offsets
    if len(offsets) != batch.pictures + 1 or offsets[0] != 0 or offsets[-1] != len(rows):
        raise NmsOutputError(f"NMS backend {backend} returned offsets that do not fit its rows")
    if len(kept.scores) != len(rows):
        raise NmsOutputError(f"NMS backend {backend} returned more scores than rows, or fewer")
    if not np.isfinite(kept.scores).all():
        raise NmsOutputError(f"NMS backend {backend} returned a score that is no number")
    picture = np.repeat(np.arange(batch.pictures), np.diff(offsets))
    low, high = batch.offsets[picture], batch.offsets[picture + 1]
    if ((rows < low) | (rows >= high)).any():
        raise NmsOutputError(f"NMS backend {backend} returned rows that the picture does not have")
    if len(np.unique(rows)) != len(rows):
        raise NmsOutputError(f"NMS backend {backend} returned a row twice")
    same_picture = picture[1:] == picture[:-1]
    if (same_picture & (np.diff(kept.scores) > 0)).any():
        raise NmsOutputError(f"NMS backend {backend} returned unsorted scores")
