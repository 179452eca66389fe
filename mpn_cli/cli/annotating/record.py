"""The run record of ``mpn annotate``: what run.json says about the job and the run that made it."""

from __future__ import annotations

import platform
import sys
from collections import Counter
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from mpn_cli.base.cores import usable_cores
from mpn_cli.base.version import __version__
from mpn_cli.engine.folder import JobRecord
from mpn_cli.engine.job import Job
from mpn_cli.engine.ledger import Totals
from mpn_cli.engine.overlays import overlay_style
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.layers import Resolved
from mpn_cli.options.recipes import effective_options
from mpn_cli.results.run_record import Machine, Option, RunCounts, RunRecord
from mpn_cli.sources.tasks import Gathered

LIBRARIES = {
    "torch": "torch",
    "openvino": "openvino",
    "numpy": "numpy",
    "opencv-python-headless": "cv2",
    "numba": "numba",
    "av": "av",
    "pycocotools": "pycocotools",
}
"""Distributions that run.json names, and what they are imported as."""


def make_record(
    resolved: Resolved[AnnotateOptions],
    job: Job,
    gathered: Gathered,
    totals: Totals,
    before: dict[str, int],
    folder: str,
    wall: float,
) -> RunRecord[JobRecord]:
    """What run.json says, but for the files' hashes; before: what earlier runs had done of it."""
    counts = totals.counts
    settings = effective_options(resolved, job.recipe, labelled=any(t.labelled for t in job.tasks))
    settings["shard_size"] = job.shard_size
    return RunRecord(
        job=JobRecord.of(job),
        overlays=overlay_style(job.recipe),
        command=sys.argv,
        folder=folder,
        picture_folders=_folders(gathered),
        options=named_options(resolved, settings),
        versions={
            "mpn": __version__,
            "python": platform.python_version(),
            **{library: version(library) for library in LIBRARIES if find_spec(LIBRARIES[library])},
        },
        counts=RunCounts(
            pictures=counts.pictures,
            people=counts.people,
            kept_out=counts.kept_out,
            skipped=len(gathered.skipped) + len(totals.skipped),
            videos=gathered.videos,
            reused=counts.reused,
            full_image=counts.full_image,
            other_size=counts.other_size,
            before_this_run=before,
            boxes_left_out=dict(gathered.left_out + Counter(counts.boxes_left_out)),
            other_files=dict(sorted(gathered.other_files.items())),
        ),
        seconds={
            **{name: round(value, 3) for name, value in counts.seconds.items()},
            "wall": round(wall, 3),
        },
        machine=Machine(platform.node(), platform.platform(), platform.machine(), usable_cores()),
    )


def named_options(
    resolved: Resolved[AnnotateOptions], settings: dict[str, Any]
) -> dict[str, Option]:
    """Every option's value and where it came from."""
    return {name: Option(value, resolved.origins[name]) for name, value in settings.items()}


def _folders(gathered: Gathered) -> list[str]:
    """Where the pictures are: what stands before their names."""
    return sorted({task.folder for task in gathered.tasks})
