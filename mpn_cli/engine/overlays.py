"""Overlays of a finished shard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2

from mpn_cli.pipeline.shard import Tools
from mpn_cli.results.overlay import draw_boxes, draw_poses, draw_scores, overlay_name
from mpn_cli.results.poses import ShardResult
from mpn_cli.sources.reading import UnreadableError, read_picture
from mpn_cli.sources.tasks import Task


def write_overlays(folder: Path, tasks: Sequence[Task], result: ShardResult, tools: Tools) -> None:
    """Draw every annotated picture of a shard under ``folder``. Raises OSError.

    A picture that can't be read any more, having just been annotated, gets no overlay.
    """
    recipe = tools.recipe
    paths = {task.image_id: task.path for task in tasks}
    for picture in result.pictures:
        try:
            pixels = read_picture(paths[picture.image_id])
        except UnreadableError:
            continue
        drawn = draw_poses(pixels, picture.poses, tools.skeleton, recipe.kpt_thr)
        if recipe.overlay_boxes:
            draw_boxes(drawn, picture.poses)
        if recipe.overlay_scores:
            draw_scores(drawn, picture.poses)
        file = folder / overlay_name(picture.file_name)
        file.parent.mkdir(parents=True, exist_ok=True)
        _, encoded = cv2.imencode(".jpg", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
        file.write_bytes(encoded.tobytes())
