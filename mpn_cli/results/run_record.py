"""``run.json``: what was asked for, what was used, what came out.

``mpn annotate`` writes it, ``mpn report`` and later runs read it. Fields have defaults where runs
of earlier versions lack them.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

import msgspec

_Job = TypeVar("_Job")

Count = Annotated[int, msgspec.Meta(ge=0)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Option(msgspec.Struct, frozen=True):
    """An option's effective value, and where it came from."""

    value: Any
    origin: str = msgspec.field(name="from")


class RunCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found and left out."""

    pictures: Count
    people: Count
    """Poses in predictions.json."""
    kept_out: Count = 0
    """Poses in predictions.json alone: their score is under ``--pose-thr``."""
    skipped: Count
    """Pictures that could not be used, a line each in skipped.jsonl."""
    videos: Count = 0
    """Videos whose frames are among the pictures."""
    reused: Count = 0
    """Pictures whose poses are those of an earlier job."""
    full_image: Count = 0
    """Pictures treated as one person who fills the picture."""
    other_size: Count = 0
    """Pictures of another size than the file with their boxes says."""
    before_this_run: dict[str, Count] = {}
    """``pictures`` and ``people`` that earlier runs of the job had done."""
    boxes_left_out: dict[str, Count] = {}
    """Number of dropped boxes by reason."""
    other_files: dict[str, Count] = {}
    """Files among the sources that are no pictures, by the ends of their names."""


class Machine(msgspec.Struct, frozen=True):
    """Where a run took place."""

    host: str
    system: str
    processor: str
    cores: int


class RunRecord(msgspec.Struct, Generic[_Job], frozen=True, kw_only=True):
    """The content of ``run.json``."""

    job: _Job
    """What decides the results, the recipe above all."""
    files: dict[str, str] = {}
    """SHA-256 of the other result files, by their names."""
    overlays: str = ""
    """What is drawn on overlays, as "poses boxes scores"; empty where there are none."""
    command: list[str] = []
    """The command line, as it was typed."""
    folder: str = ""
    """The working folder."""
    picture_folders: list[str] = []
    """Absolute paths of the folders to which the pictures' names are relative."""
    options: dict[str, Option] = {}
    versions: dict[str, str] = {}
    """Versions of mpn, Python and libraries."""
    counts: RunCounts
    seconds: dict[str, Seconds]
    """Seconds by stage, summed over workers; ``wall`` is the duration of the run."""
    machine: Machine | None = None
