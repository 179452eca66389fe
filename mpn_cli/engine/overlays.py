"""Overlays of a finished shard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2

from mpn_cli.pipeline.shard import Tools
from mpn_cli.results.overlay import draw_boxes, draw_poses, draw_scores, overlay_name
from mpn_cli.results.poses import ShardResult
from mpn_cli.sources.reading import read_picture
from mpn_cli.sources.tasks import Task


def write_overlays(folder: Path, tasks: Sequence[Task], result: ShardResult, tools: Tools) -> None:
    """Draw every annotated picture of a shard under ``folder``. Raises OSError."""
    recipe = tools.recipe
    sources = {task.image_id: task for task in tasks}
    for picture in result.pictures:
        source = sources[picture.image_id]
        pixels = read_picture(source.path, source.size)
        drawn = draw_poses(pixels, picture.poses, tools.skeleton, recipe.kpt_thr)
        if recipe.overlay_boxes:
            draw_boxes(drawn, picture.poses)
        if recipe.overlay_scores:
            draw_scores(drawn, picture.poses)
        file = folder / overlay_name(picture.file_name)
        file.parent.mkdir(parents=True, exist_ok=True)
        _, encoded = cv2.imencode(".jpg", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
        file.write_bytes(encoded.tobytes())
