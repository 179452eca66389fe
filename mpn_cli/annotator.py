"""The public Python face: the command's own way from pictures to poses."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from inspect import Parameter, Signature
from itertools import islice
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, cast, overload

import numpy as np

from mpn_cli.base.arrays import FloatArray, Picture
from mpn_cli.base.devices import find_devices
from mpn_cli.base.errors import InputError
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.declaring import options_of
from mpn_cli.options.layers import resolve
from mpn_cli.options.recipes import make_recipe
from mpn_cli.pipeline.shard import annotate_shard
from mpn_cli.pipeline.tools import Tools
from mpn_cli.poses import Poses
from mpn_cli.results.poses import AnnotatedPicture
from mpn_cli.sources.coco_files import LARGEST_COORDINATE, SMALLEST_SIDE
from mpn_cli.sources.reading import MAX_SIDE, Decoded, UnreadableError, read_picture
from mpn_cli.sources.tasks import Box, Task

if TYPE_CHECKING:
    from PIL.Image import Image as PilPicture

PictureOrPath: TypeAlias = "str | PathLike[str] | Picture | PilPicture"

NOT_FROM_PYTHON = frozenset({
    "out", "workers", "cluster", "shard_size", "resume", "keep_parts", "overlay", "overlay_boxes",
    "overlay_scores", "pose_thr", "every", "fps", "track",
})  # fmt: skip
"""Options that say how a job runs and what it writes: nothing of it happens here."""

PICTURES_AT_ONCE = 8
"""So many pictures are read before their crops go through the network together."""


class Annotator:
    """Finds poses; loads the networks once.

    Options are those of ``mpn annotate`` with underscores (``flip=False``, ``nms_thr=0.8``); what
    is not given comes from ``mpn.toml``, ``MPN_*`` variables and the defaults, as there.

        >>> from mpn_cli import Annotator
        >>> annotator = Annotator(detector="full-image", flip=False)
        >>> poses = annotator.annotate(picture)  # a path, an RGB array, or a PIL picture
        >>> poses.keypoints.shape
        (1, 17, 2)
        >>> for poses in annotator.annotate([picture, "missing.jpg"]):
        ...     print(len(poses), poses.skipped and poses.skipped.reason)
        1 None
        0 unreadable

    Raises TypeError for a keyword that is no option here, InputError for values that can't be used.
    """

    def __init__(self, **options: Any) -> None:
        for name in options:
            if name not in _KEYWORDS:
                raise TypeError(f"Annotator() got an unexpected keyword argument {name!r}")
        resolved = resolve(AnnotateOptions, options)
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

        pictures: a path, an RGB array (H, W, 3) uint8, a PIL picture, or an iterable of those,
        which is read eight at a time; boxes (N, 4) or (N, 5) for one picture: x, y, width, height
        in pixels, and a score; without them the detector finds people.

        Raises UnreadableError for a single picture that can't be read (of many, its ``Poses`` say
        so in ``skipped``), InputError for arrays of another kind.
        """
        if isinstance(pictures, str | PathLike | np.ndarray) or _is_pil(pictures):
            (poses,) = self._annotate([(1, pictures)], boxes)
            if poses.skipped is not None:
                reason, detail = poses.skipped.reason, poses.skipped.detail
                raise UnreadableError(reason, f"{poses.file_name}: {detail}")
            return poses
        return self._annotate_many(cast("Iterable[PictureOrPath]", pictures))

    def _annotate_many(self, pictures: Iterable[PictureOrPath]) -> Iterator[Poses]:
        numbered = enumerate(pictures, start=1)
        while group := list(islice(numbered, PICTURES_AT_ONCE)):
            yield from self._annotate(group, None)

    def _annotate(
        self, group: Sequence[tuple[int, PictureOrPath]], boxes: FloatArray | None
    ) -> list[Poses]:
        """The poses of some numbered pictures, through one shard."""
        given = None if boxes is None else _checked_boxes(boxes)
        arrays: dict[int, Picture] = {}
        tasks = []
        for number, picture in group:
            name = fspath(picture) if isinstance(picture, str | PathLike) else ""
            if not name:
                arrays[number] = _checked_picture(_pixels(picture))
            tasks.append(Task(number, name, name, given))

        def read(task: Task) -> Decoded:
            own = arrays.get(task.image_id)
            return Decoded.whole(read_picture(task.path) if own is None else own)

        result = annotate_shard(tasks, self._tools, read)
        joints = self._tools.skeleton.joints
        found = {picture.image_id: _poses_of(picture, joints) for picture in result.pictures}
        missing = iter(result.skipped)  # in the order of the tasks
        return [
            found[task.image_id]
            if task.image_id in found
            else replace(
                Poses.from_coco([]),
                image_id=task.image_id,
                file_name=task.file_name,
                skipped=next(missing),
            )
            for task in tasks
        ]


_KEYWORDS = {
    option.name: option
    for option in options_of(AnnotateOptions)
    if option.name not in NOT_FROM_PYTHON
}
Annotator.__init__.__signature__ = Signature([  # type: ignore[attr-defined]
    Parameter("self", Parameter.POSITIONAL_ONLY),
    *(
        Parameter(name, Parameter.KEYWORD_ONLY, default=option.default, annotation=option.hint)
        for name, option in _KEYWORDS.items()
    ),
])  # fmt: skip


def _is_pil(picture: object) -> TypeGuard[PilPicture]:
    """Whether it is a picture of Pillow's, without importing Pillow for it."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(picture, pillow.Image)


def _pixels(picture: object) -> Picture:
    """RGB pixels of an array or of a PIL picture, that one turned as its EXIF data say."""
    if _is_pil(picture):
        from PIL.ImageOps import exif_transpose

        return np.array(exif_transpose(picture).convert("RGB"))
    return np.asarray(picture)


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
        image_id=picture.image_id,
        file_name=picture.file_name,
        picture_size=(picture.width, picture.height),
    )
