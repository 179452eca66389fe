"""The public Python face: the command's own way from pictures to poses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any, overload

import numpy as np

from mpn_cli.base.arrays import Float64Array, FloatArray, Picture
from mpn_cli.base.devices import find_devices
from mpn_cli.base.errors import InputError
from mpn_cli.options.layers import resolve
from mpn_cli.options.recipes import make_recipe
from mpn_cli.pipeline.shard import annotate_shard
from mpn_cli.pipeline.tools import Tools
from mpn_cli.results.coco_writer import prediction
from mpn_cli.results.poses import AnnotatedPicture
from mpn_cli.sources.coco_files import LARGEST_COORDINATE, SMALLEST_SIDE
from mpn_cli.sources.reading import MAX_SIDE, Decoded, UnreadableError, read_picture
from mpn_cli.sources.tasks import Box, Task

PictureOrPath = str | PathLike[str] | Picture


@dataclass(frozen=True, slots=True)
class Poses:
    """The N poses of one picture, best first."""

    keypoints: Float64Array
    """(N, K, 2) pixels."""
    confidences: Float64Array
    """(N, K) in 0..1: a joint's chance of being right, where the network has a score model."""
    scores: Float64Array
    """(N,) the OKS that a pose is expected to have, or the paper's eq. 6 (``score="paper"``)."""
    boxes: Float64Array
    """(N, 4) x, y, width, height in pixels: where each pose was looked for."""
    picture: AnnotatedPicture

    def __len__(self) -> int:
        return len(self.scores)

    def to_coco(self, image_id: int | None = None) -> list[dict[str, Any]]:
        """COCO keypoint results; ``image_id`` counts from 1 in the order of pictures if None."""
        number = self.picture.image_id if image_id is None else image_id
        return [prediction(number, pose) for pose in self.picture.poses]


class Annotator:
    """Finds poses; loads the network once.

    Options are those of ``mpn annotate`` with underscores (``flip=False``, ``nms_thr=0.8``); what
    is not given comes from ``mpn.toml``, ``MPN_*`` variables and the defaults, as there.

        >>> from mpn_cli import Annotator
        >>> poses = Annotator().annotate("photo.jpg")
        >>> poses.keypoints.shape
        (1, 17, 2)

    Raises InputError for options that can't be used.
    """

    def __init__(self, **options: Any) -> None:
        resolved = resolve(options)
        device = find_devices(resolved.settings.device)[0]
        self._tools = Tools.load(make_recipe(resolved, labelled=False), device=device)

    @overload
    def annotate(  # type: ignore[overload-overlap]  # a str is an iterable of str
        self, pictures: PictureOrPath, boxes: FloatArray | None = None
    ) -> Poses: ...

    @overload
    def annotate(self, pictures: Iterable[PictureOrPath]) -> Iterator[Poses]: ...

    def annotate(
        self,
        pictures: PictureOrPath | Iterable[PictureOrPath],
        boxes: FloatArray | None = None,
    ) -> Poses | Iterator[Poses]:
        """The poses of a picture, or one after the other of many.

        pictures: a path, an RGB array (H, W, 3) uint8, or an iterable of those; boxes (N, 4) or
        (N, 5) for one picture: x, y, width, height in pixels, and a score; without them the
        detector finds people. Raises UnreadableError for a picture that can't be read, InputError
        for arrays of another kind.
        """
        if isinstance(pictures, str | PathLike | np.ndarray):
            return self._annotate(1, pictures, boxes)
        return (self._annotate(n, one, None) for n, one in enumerate(pictures, start=1))

    def _annotate(self, number: int, picture: PictureOrPath, boxes: FloatArray | None) -> Poses:
        name = "" if isinstance(picture, np.ndarray) else fspath(picture)
        given = None if boxes is None else _checked_boxes(boxes)
        if isinstance(picture, np.ndarray):
            picture = _checked_picture(picture)

        def read(task: Task) -> Decoded:
            own = picture if isinstance(picture, np.ndarray) else read_picture(task.path)
            return Decoded.whole(own)

        result = annotate_shard([Task(number, name, name, given)], self._tools, read)
        if result.skipped:
            raise UnreadableError(result.skipped[0].reason, f"{name}: {result.skipped[0].detail}")
        return _poses_of(result.pictures[0], self._tools.skeleton.joints)


def _checked_picture(picture: Picture) -> Picture:
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise InputError(
            f"a picture is an RGB array (height, width, 3) of uint8, not {picture.shape} of"
            f" {picture.dtype}"
        )
    if 0 in picture.shape or max(picture.shape) > MAX_SIDE:
        raise InputError(
            f"a picture of {picture.shape[1]}x{picture.shape[0]} pixels; sides are 1 to {MAX_SIDE}"
        )
    return np.ascontiguousarray(picture)  # as of picture[..., ::-1], which OpenCV does not take


def _checked_boxes(boxes: FloatArray) -> tuple[Box, ...]:
    rows = np.asarray(boxes, dtype=np.float64)
    if rows.size == 0:
        return ()
    if rows.ndim != 2 or rows.shape[1] not in (4, 5):
        raise InputError(f"boxes are (N, 4) or (N, 5), not {rows.shape}")
    if not np.isfinite(rows).all() or np.abs(rows).max() > LARGEST_COORDINATE:
        raise InputError("boxes hold a number that is no coordinate")
    if rows[:, 2:4].min() < SMALLEST_SIDE:
        raise InputError("a box has no size; boxes are x, y, width, height in pixels")
    return tuple(Box(*row) for row in rows.tolist())


def _poses_of(picture: AnnotatedPicture, joints: int) -> Poses:
    flat = np.array([pose.keypoints for pose in picture.poses]).reshape(-1, joints, 3)
    return Poses(
        keypoints=flat[..., :2],
        confidences=flat[..., 2],
        scores=np.array([pose.score for pose in picture.poses]),
        boxes=np.array([pose.bbox for pose in picture.poses]).reshape(-1, 4),
        picture=picture,
    )
