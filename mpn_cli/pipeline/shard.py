"""The pure function of the house: tasks in, poses out."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec
import numpy as np

from mpn_cli.arrays import BoolArray, Float64Array, FloatArray, Picture
from mpn_cli.detectors.contract import Detector
from mpn_cli.detectors.full_image import FullImage
from mpn_cli.detectors.registry import find_detector
from mpn_cli.estimators.contract import Estimator
from mpn_cli.estimators.loading import load_estimator
from mpn_cli.pipeline.crops import Regions, grid_to_picture, regions_of_boxes, warp_crop
from mpn_cli.pipeline.decoding import average_flipped, decode
from mpn_cli.pipeline.recipe import Recipe
from mpn_cli.results.poses import AnnotatedPicture, Pose, ShardResult
from mpn_cli.skeletons import SKELETONS, Skeleton
from mpn_cli.sources.reading import UnreadableError, read_picture
from mpn_cli.sources.tasks import Skipped, Task
from nms_backends.contract import NmsBackend, NmsConfig, PoseBatch
from nms_backends.registry import find_backend, suppress


@dataclass(frozen=True)
class Tools:
    """What a worker loads once and keeps."""

    recipe: Recipe
    estimator: Estimator
    detector: Detector
    backend: NmsBackend

    @classmethod
    def load(cls, recipe: Recipe, threads: int | None = None) -> Tools:
        """Load all of a recipe, for so many CPU threads. Raises InputError or PluginError."""
        return cls(
            recipe,
            load_estimator(recipe, threads),
            find_detector(recipe.detector),
            find_backend(recipe.nms, recipe.nms_method),
        )

    @property
    def skeleton(self) -> Skeleton:
        """The network's joint set."""
        return SKELETONS[self.estimator.joints]


@dataclass
class _Seen:
    """A picture that was read: its boxes and where its poses will stand."""

    task: Task
    width: int
    height: int
    boxes: Float64Array
    """(N, 5)."""


@dataclass
class _Crops:
    """Crops waiting for the network, and the poses of those that went through."""

    tools: Tools
    stopwatch: _Stopwatch
    waiting: list[Picture] = field(default_factory=list)
    regions: list[Regions] = field(default_factory=list)
    keypoints: list[Float64Array] = field(default_factory=list)
    confidences: list[Float64Array] = field(default_factory=list)

    def add(self, picture: Picture, boxes: Float64Array) -> None:
        """Cut a picture's boxes out; full batches go through the network at once."""
        size = self.tools.estimator.input_size
        regions = regions_of_boxes(boxes[:, :4], size)
        for row in range(len(regions)):
            one = slice(row, row + 1)
            with self.stopwatch.stage("crop"):
                crop = warp_crop(picture, regions.centres[row], regions.sizes[row], size)
            self.waiting.append(crop)
            self.regions.append(Regions(regions.centres[one], regions.sizes[one]))
            if len(self.waiting) == self.tools.recipe.batch:
                self.flush()

    def flush(self) -> None:
        """Run the network on what waits."""
        if not self.waiting:
            return
        recipe, estimator = self.tools.recipe, self.tools.estimator
        crops = np.stack(self.waiting)
        with self.stopwatch.stage("network"):
            heatmaps = estimator.heatmaps(crops)
            if recipe.flip:
                mirrored = estimator.heatmaps(np.ascontiguousarray(crops[:, :, ::-1]))
                heatmaps = average_flipped(heatmaps, mirrored, self.tools.skeleton.flip_permutation)
        with self.stopwatch.stage("decode"):
            positions, confidences = decode(heatmaps, recipe.decode)
            regions = Regions(
                np.concatenate([r.centres for r in self.regions]),
                np.concatenate([r.sizes for r in self.regions]),
            )
            grid = (heatmaps.shape[3], heatmaps.shape[2])
            self.keypoints.append(grid_to_picture(positions, regions, grid))
            self.confidences.append(confidences)
        self.waiting.clear()
        self.regions.clear()


class _Stopwatch:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - started


def annotate_shard(
    tasks: Sequence[Task], tools: Tools, read: Callable[[str], Picture] = read_picture
) -> ShardResult:
    """Annotate some pictures; one that can't be used becomes a ``Skipped``, never an error.

    ``read`` gives a path's pixels, (H, W, 3) uint8 RGB, or raises UnreadableError.
    """
    stopwatch = _Stopwatch()
    crops = _Crops(tools, stopwatch)
    seen: list[_Seen] = []
    skipped: list[Skipped] = []
    left_out: Counter[str] = Counter()
    full_image = 0
    for task in tasks:
        try:
            with stopwatch.stage("read"):
                picture = read(task.path)
        except UnreadableError as error:
            skipped.append(Skipped(task.path, error.reason, error.detail))
            continue
        except MemoryError:
            skipped.append(Skipped(task.path, "too large", "not enough memory to decode it"))
            continue
        if task.boxes is not None:
            boxes = np.array([msgspec.structs.astuple(box) for box in task.boxes]).reshape(-1, 5)
        else:
            with stopwatch.stage("detect"):
                boxes = tools.detector([picture])[0]
            full_image += isinstance(tools.detector, FullImage)
        height, width = picture.shape[:2]
        inside = _overlapping(boxes, width, height)
        left_out["outside the picture"] += int((~inside).sum())
        seen.append(_Seen(task, width, height, boxes[inside]))
        crops.add(picture, boxes[inside])
    crops.flush()
    with stopwatch.stage("nms"):
        pictures = _suppressed(seen, crops, tools)
    return ShardResult(pictures, skipped, dict(+left_out), full_image, dict(stopwatch.seconds))


def _overlapping(boxes: Float64Array, width: int, height: int) -> BoolArray:
    x, y, wide, high = boxes[:, :4].T
    return np.asarray((x < width) & (y < height) & (x + wide > 0) & (y + high > 0))


def pose_confidence(
    box_scores: FloatArray, confidences: FloatArray, kpt_thr: float
) -> Float64Array:
    """Pose scores (eqs. 6, 7): p = b * mean of the confidences over ``kpt_thr``, 0 if none is.

    box_scores (N,), confidences (N, K) -> (N,).
    """
    passing = confidences > kpt_thr
    total = np.where(passing, confidences, 0.0).sum(axis=1)
    return np.asarray(box_scores * total / np.maximum(passing.sum(axis=1), 1))


def _suppressed(seen: list[_Seen], crops: _Crops, tools: Tools) -> list[AnnotatedPicture]:
    recipe, joints = tools.recipe, tools.estimator.joints
    boxes = np.concatenate([*(picture.boxes for picture in seen), np.empty((0, 5))])
    keypoints = np.concatenate([*crops.keypoints, np.empty((0, joints, 2))])
    confidences = np.concatenate([*crops.confidences, np.empty((0, joints))])
    batch = PoseBatch(
        keypoints=keypoints,
        confidences=confidences,
        scores=pose_confidence(boxes[:, 4], confidences, recipe.kpt_thr),
        areas=boxes[:, 2] * boxes[:, 3],
        offsets=np.cumsum([0, *(len(picture.boxes) for picture in seen)], dtype=np.int64),
        sigmas=np.array(tools.skeleton.sigmas),
    )
    config = NmsConfig(
        method=recipe.nms_method,
        thr=recipe.nms_thr,
        max_dets=recipe.max_dets,
        oks_vis_thr=recipe.oks_vis_thr,
    )
    kept = suppress(tools.backend, batch, config)
    flat = np.concatenate([keypoints.round(2), confidences.round(4)[..., None]], axis=2)
    flat = flat.reshape(-1, 3 * joints)
    return [
        AnnotatedPicture(
            picture.task.image_id,
            picture.task.file_name,
            picture.width,
            picture.height,
            [
                Pose(flat[row].tolist(), round(float(score), 4), boxes[row, :4].round(2).tolist())
                for row, score in zip(kept.rows[first:last], kept.scores[first:last], strict=True)
            ],
        )
        for picture, first, last in zip(seen, kept.offsets[:-1], kept.offsets[1:], strict=True)
    ]
