"""Overlays of a finished shard."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cv2

from mpn_cli.base.arrays import Picture
from mpn_cli.base.errors import InputError
from mpn_cli.base.files import write_file
from mpn_cli.base.recipe import Recipe
from mpn_cli.base.skeletons import SKELETONS
from mpn_cli.results.overlay import draw_boxes, draw_poses, draw_scores, draw_tracks, overlay_name
from mpn_cli.results.overlay_video import PIECE, encoded_piece, join_pieces, overlay_video_name
from mpn_cli.results.poses import AnnotatedPicture
from mpn_cli.results.signed_jpeg import is_signed, signed
from mpn_cli.results.signed_video import is_signed_video
from mpn_cli.sources.frames import FrameReader
from mpn_cli.sources.reading import Decoded, UnreadableError, read_picture
from mpn_cli.sources.results_folders import OVERLAYS, PARTS
from mpn_cli.sources.tasks import FrameTask, Task

KEPT_BYTES = 256_000_000
"""Pixels that a worker keeps for its overlays; what is over that is read a second time."""


class KeptPixels:
    """The pixels of pictures that were just annotated, for their overlays."""

    def __init__(self) -> None:
        self._pixels: dict[int, Picture] = {}
        self._bytes = 0

    def keep(self, task: Task, picture: Decoded) -> None:
        """Keep a picture that was read at its full size, if there is room for it."""
        if picture.reduction == 1 and self._bytes + picture.pixels.nbytes <= KEPT_BYTES:
            self._pixels[task.image_id] = picture.pixels
            self._bytes += picture.pixels.nbytes

    def of(self, task: Task) -> Picture | None:
        """A task's pixels (H, W, 3) RGB uint8, None if they were not kept."""
        return self._pixels.get(task.image_id)


def overlay_style(recipe: Recipe) -> str:
    """What overlays show, as "poses boxes scores"; "" where none are wanted."""
    shown = (
        ("poses", recipe.overlay),
        ("boxes", recipe.overlay_boxes),
        ("scores", recipe.overlay_scores),
    )
    return " ".join(name for name, wanted in shown if wanted)


def write_overlays(
    out: Path,
    tasks: Sequence[Task],
    pictures: Iterable[AnnotatedPicture],
    recipe: Recipe,
    kept: KeptPixels,
) -> None:
    """Draw every annotated picture of a shard under ``overlays/``.

    Pictures that are not among the ``kept`` ones are read again.
    Frames of a video make a piece of one, which waits in ``parts/`` for ``join_overlay_videos``.
    Raises OSError, and InputError where a file is in the way that mpn did not write.
    """
    sources = {task.image_id: task for task in tasks}
    frames: list[tuple[FrameTask, AnnotatedPicture]] = []
    for picture in pictures:
        source = sources[picture.image_id]
        if isinstance(source, FrameTask):
            frames.append((source, picture))
            continue
        try:
            pixels = kept.of(source)
            if pixels is None:
                pixels = read_picture(source.path, source.size)
        except UnreadableError:
            continue  # it was there a moment ago; its poses are
        drawn = _drawn(pixels, picture, recipe)
        _, encoded = cv2.imencode(".jpg", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
        _write(out / OVERLAYS, overlay_name(picture.file_name), signed(encoded.tobytes()))
    if frames:
        with FrameReader() as reader:
            size = reader.size_of(frames[0][0])
            piece = encoded_piece(_drawn_frames(reader, frames, recipe, kept), size)
        if piece:
            write_file(out / PARTS / _piece_name(tasks[0].image_id), piece)


def _drawn_frames(
    reader: FrameReader,
    frames: Iterable[tuple[FrameTask, AnnotatedPicture]],
    recipe: Recipe,
    kept: KeptPixels,
) -> Iterator[tuple[float, Picture]]:
    """Seconds and drawn picture of each frame."""
    for task, picture in frames:
        try:
            pixels = kept.of(task)
            if pixels is None:
                pixels = reader.read(task).pixels
        except UnreadableError:
            continue
        yield task.frame.seconds, _drawn(pixels, picture, recipe)


def _drawn(pixels: Picture, picture: AnnotatedPicture, recipe: Recipe) -> Picture:
    """A copy of a picture with what the recipe wants to see on it."""
    poses = picture.likely(recipe.pose_thr)
    drawn = draw_poses(pixels, poses, SKELETONS[recipe.joints], recipe.kpt_thr)
    draw_tracks(drawn, poses)
    if recipe.overlay_boxes:
        draw_boxes(drawn, poses)
    if recipe.overlay_scores:
        draw_scores(drawn, poses)
    return drawn


def join_overlay_videos(out: Path, tasks: Sequence[Task]) -> None:
    """Put the pieces of videos together under ``overlays/``, once all of them are drawn.

    Raises OSError, and InputError where a file is in the way that mpn did not write.
    """
    pieces = {int(file.stem): file for file in (out / PARTS).glob("*" + PIECE)}
    of_video: dict[str, list[Path]] = {}
    for task in tasks:
        if isinstance(task, FrameTask) and task.image_id in pieces:
            of_video.setdefault(task.video, []).append(pieces[task.image_id])
    for video, files in of_video.items():
        file = _free(out / OVERLAYS / overlay_video_name(video))
        join_pieces(files, file)


def _piece_name(image_id: int) -> str:
    """The piece's file, named by its first frame."""
    return f"{image_id:012d}{PIECE}"


def _write(folder: Path, name: str, content: bytes) -> None:
    """Write an overlay whole or not at all, and never over a file that is not mpn's."""
    write_file(_free(folder / name), content)


def _free(file: Path) -> Path:
    """A file that may be written, its folder made. Raises InputError."""
    if os.path.lexists(file) and not is_own_overlay(file):
        raise InputError(
            f"{file} is there already, which mpn did not write, or which was changed since."
            " Give another --out, or move it away."
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def is_own_overlay(file: Path) -> bool:
    """Whether mpn wrote a picture or a video, and it is unchanged since."""
    return is_signed(file) or is_signed_video(file)
