"""Overlays of a finished shard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2

from mpn_cli.results.overlay import draw_poses, overlay_name
from mpn_cli.results.poses import ShardResult
from mpn_cli.skeletons import Skeleton
from mpn_cli.sources.reading import read_picture
from mpn_cli.sources.tasks import Task


def write_overlays(
    folder: Path, tasks: Sequence[Task], result: ShardResult, skeleton: Skeleton, kpt_thr: float
) -> None:
    """Draw every annotated picture of a shard under ``folder``. Raises OSError."""
    paths = {task.image_id: task.path for task in tasks}
    for picture in result.pictures:
        drawn = draw_poses(read_picture(paths[picture.image_id]), picture.poses, skeleton, kpt_thr)
        file = folder / overlay_name(picture.file_name)
        file.parent.mkdir(parents=True, exist_ok=True)
        _, encoded = cv2.imencode(".jpg", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
        file.write_bytes(encoded.tobytes())
