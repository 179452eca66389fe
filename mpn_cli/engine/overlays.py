"""Overlays of a finished shard."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2

from mpn_cli.base.errors import InputError
from mpn_cli.base.files import write_file
from mpn_cli.base.recipe import Recipe
from mpn_cli.base.skeletons import SKELETONS
from mpn_cli.results.overlay import draw_boxes, draw_poses, draw_scores, overlay_name
from mpn_cli.results.poses import AnnotatedPicture
from mpn_cli.results.signed_jpeg import is_signed, signed
from mpn_cli.sources.reading import UnreadableError, read_picture
from mpn_cli.sources.tasks import Task


def overlay_style(recipe: Recipe) -> str:
    """What overlays show, as "poses boxes scores"; "" where none are wanted."""
    shown = (
        ("poses", recipe.overlay),
        ("boxes", recipe.overlay_boxes),
        ("scores", recipe.overlay_scores),
    )
    return " ".join(name for name, wanted in shown if wanted)


def write_overlays(
    folder: Path, tasks: Sequence[Task], pictures: Iterable[AnnotatedPicture], recipe: Recipe
) -> None:
    """Draw every annotated picture of a shard under ``folder``.

    Raises OSError, and InputError where a file is in the way that mpn did not write.
    """
    sources = {task.image_id: task for task in tasks}
    skeleton = SKELETONS[recipe.joints]
    for picture in pictures:
        source = sources[picture.image_id]
        try:
            pixels = read_picture(source.path, source.size)
        except UnreadableError:
            continue  # it was there a moment ago; its poses are
        poses = picture.likely(recipe.pose_thr)
        drawn = draw_poses(pixels, poses, skeleton, recipe.kpt_thr)
        if recipe.overlay_boxes:
            draw_boxes(drawn, poses)
        if recipe.overlay_scores:
            draw_scores(drawn, poses)
        _, encoded = cv2.imencode(".jpg", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
        _write(folder, overlay_name(picture.file_name), signed(encoded.tobytes()))


def _write(folder: Path, name: str, content: bytes) -> None:
    """Write an overlay whole or not at all, and never over a file that is not mpn's."""
    file = folder / name
    if os.path.lexists(file) and not is_signed(file):
        raise InputError(
            f"{file} is there already, which mpn did not write, or which was changed since."
            " Give another --out, or move it away."
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    write_file(file, content)
