"""How many CPU cores this process may use.

joblib's ``cpu_count`` answers the same and costs a tenth of a second to import, which is much for
``mpn annotate photo.jpg``.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """The number of cores, at least 1: the process's affinity and its container's limit count."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min(cores, container_limit(CGROUP) or cores))


def container_limit(cgroup: Path) -> int | None:
    """The CPU quota of a control group (Linux, version 2 or 1) in whole cores, rounded up.

    None where there is no limit.
    """
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text()
        except OSError:
            return None
    if quota == "max" or int(quota) <= 0 or int(period) <= 0:
        return None
    return math.ceil(int(quota) / int(period))
