"""The pure function of the house: tasks in, poses out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from mpn_nms.contract import NmsBackend, NmsConfig, PoseBatch
from mpn_nms.plugins import blamed
from mpn_nms.registry import find_backend, suppress

from mpn_cli.base.arrays import BoolArray, Float64Array
from mpn_cli.base.choices import JointConfidence, Score
from mpn_cli.base.errors import InputError
from mpn_cli.base.recipe import BoxChoice, Recipe
from mpn_cli.base.skeletons import SKELETONS, Skeleton
from mpn_cli.base.stopwatch import Stopwatch
from mpn_cli.detectors.contract import Detector
from mpn_cli.detectors.full_image import FullImage
from mpn_cli.detectors.registry import load_detector
from mpn_cli.geometry.boxes import box_nms
from mpn_cli.geometry.crops import regions_of_boxes
from mpn_cli.networks.contract import Estimator, Finder, OnDevice
from mpn_cli.networks.loading import load_estimator
from mpn_cli.networks.scoring import (
    BOX_EXPONENT,
    ScoreModel,
    load_scoring,
    paper_score,
)
from mpn_cli.pipeline.poses import PoseFinder
from mpn_cli.pipeline.reading_ahead import pictures_of
from mpn_cli.results.poses import AnnotatedPicture, Counts, Pose, ShardResult
from mpn_cli.sources.reading import Decoded, read_picture, read_reduced
from mpn_cli.sources.tasks import Skipped, Task

DETECTION_SIDE = 1280
"""Pixels of the longer side that a picture keeps with ``--fast-decode`` where its people are not
known yet: one of a fifth of its height still fills a crop."""

DETECT_PICTURES = 8
DETECT_PIXELS = 30_000_000
"""A detector is given at most so many pictures, or pixels, at once."""


@dataclass(frozen=True)
class Tools:
    """What a worker loads once and keeps."""

    recipe: Recipe
    estimator: Estimator | OnDevice
    detector: Detector | None
    """None where all pictures come with boxes."""
    backend: NmsBackend
    threads: int | None = None
    score_model: ScoreModel | None = None
    """None where the recipe needs none."""

    @classmethod
    def load(cls, recipe: Recipe, threads: int | None = None, device: str | None = None) -> Tools:
        """Load all of a recipe, for so many CPU threads, or onto a ``device`` of its kind.

        Raises InputError or PluginError.
        """
        device = device or recipe.device
        estimator: Estimator | OnDevice
        if device == "cpu":
            estimator = load_estimator(recipe, threads)
        else:
            from mpn_cli.networks.pose_gpu import load_on_device  # brings torch

            estimator = load_on_device(recipe, device)
        detector = None
        if recipe.detector:
            detector = load_detector(recipe.detector, recipe.detector_setup, threads, device)
        return cls(
            recipe, estimator, detector, find_backend(recipe.nms, recipe.nms_method), threads,
            load_scoring(Path(recipe.weights), recipe.score_sha256),
        )  # fmt: skip

    @property
    def reading_threads(self) -> int:
        """Cores that decode pictures: all of the worker's where a device does the rest."""
        return max(1, self.threads or 1) if isinstance(self.estimator, OnDevice) else 1

    def pose_finder(self, stopwatch: Stopwatch) -> Finder:
        """What a shard's boxes go through."""
        if isinstance(self.estimator, OnDevice):
            return self.estimator.finder(stopwatch)
        recipe = self.recipe
        return PoseFinder(self.estimator, recipe.decode, recipe.batch, stopwatch)

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


def annotate_shard(
    tasks: Sequence[Task], tools: Tools, read: Callable[[Task], Decoded] | None = None
) -> ShardResult:
    """Annotate some pictures; one that can't be used becomes a ``Skipped``, never an error.

    ``read`` gives a task's picture or raises UnreadableError; by default it is read from its file.
    """
    shard = _Shard(tools)
    pictures = pictures_of(tasks, read or _reader(tools), tools.reading_threads)
    while True:
        with shard.stopwatch.stage("read"):
            task, picture = next(pictures, (None, None))
        if task is None or picture is None:
            return shard.result()
        if isinstance(picture, Skipped):
            shard.skipped.append(picture)
        else:
            shard.add(task, picture)


def _reader(tools: Tools) -> Callable[[Task], Decoded]:
    """Reads a task's picture, smaller where that is allowed and does no harm."""
    if not tools.recipe.fast_decode:
        return lambda task: Decoded.whole(read_picture(task.path, task.size))
    size, padding = tools.estimator.input_size, tools.estimator.conventions.padding

    def read(task: Task) -> Decoded:
        def most(width: int, height: int) -> float:
            if task.boxes is None:
                return max(width, height) / DETECTION_SIDE
            boxes = np.array([msgspec.structs.astuple(b) for b in task.boxes]).reshape(-1, 5)
            regions = regions_of_boxes(boxes[:, :4], size, padding)
            return float((regions.sizes / size).min(initial=np.inf))

        return read_reduced(task.path, most, task.size)

    return read


class _Shard:
    """A shard in the making: pictures wait for the detector, their crops for the network."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self.stopwatch = Stopwatch()
        self.skipped: list[Skipped] = []
        self._poses = tools.pose_finder(self.stopwatch)
        self._waiting: list[tuple[Task, Decoded]] = []
        self._seen: list[_Seen] = []
        self._left_out: Counter[str] = Counter()
        self._full_image = 0
        self._other_size = 0

    def add(self, task: Task, picture: Decoded) -> None:
        """Take a picture in."""
        self._waiting.append((task, picture))
        self._other_size += task.size not in (None, (picture.width, picture.height))
        pixels = sum(one.width * one.height for _, one in self._waiting)
        if len(self._waiting) == DETECT_PICTURES or pixels > DETECT_PIXELS:
            self._find_people()

    def result(self) -> ShardResult:
        """Finish what waits."""
        self._find_people()
        keypoints, confidences = self._poses.found()
        with self.stopwatch.stage("nms"):
            pictures = _suppressed(self._seen, keypoints, confidences, self.tools)
        threshold = self.tools.recipe.pose_thr
        counts = Counts(
            full_image=self._full_image,
            kept_out=sum(len(one.poses) - len(one.likely(threshold)) for one in pictures),
            other_size=self._other_size,
            boxes_left_out=dict(+self._left_out),
            seconds=dict(self.stopwatch.seconds),
        )
        return ShardResult(pictures, self.skipped, counts)

    def _find_people(self) -> None:
        detected = iter(self._detected())
        for task, picture in self._waiting:
            if task.boxes is None:
                boxes = next(detected)
            else:
                boxes = np.array([msgspec.structs.astuple(b) for b in task.boxes]).reshape(-1, 5)
            inside = _overlapping(boxes, picture.width, picture.height)
            self._left_out["outside the picture"] += int((~inside).sum())
            boxes = boxes[inside]
            if not task.labelled:
                recipe = self.tools.recipe
                choice = recipe.detected if task.boxes is None else recipe.given
                boxes = self._chosen(boxes, choice)
            self._seen.append(_Seen(task, picture.width, picture.height, boxes))
            self._poses.add(picture, boxes[:, :4], self._flipped(task, boxes))
        self._waiting.clear()

    def _flipped(self, task: Task, boxes: Float64Array) -> BoolArray:
        """Which of the boxes (N, 5) get the flip test.

        Somebody is taken to be in boxes that came with their picture; a detector's must be likely.
        """
        recipe = self.tools.recipe
        if task.boxes is not None:
            return np.full(len(boxes), recipe.flip)
        return np.asarray(recipe.flip & (boxes[:, 4] >= recipe.flip_thr))

    def _detected(self) -> list[Float64Array]:
        """The boxes (N, 5) of each waiting picture that came without."""
        unboxed = [picture for task, picture in self._waiting if task.boxes is None]
        detector = self.tools.detector
        if not unboxed:
            return []
        assert detector is not None
        if isinstance(detector, FullImage):
            self._full_image += len(unboxed)
        with self.stopwatch.stage("detect"), blamed(detector, "detector"):
            found = detector([picture.pixels for picture in unboxed])
            return [
                np.asarray(boxes, dtype=np.float64).reshape(-1, 5) * ([one.reduction] * 4 + [1])
                for boxes, one in zip(found, unboxed, strict=True)
            ]

    def _chosen(self, boxes: Float64Array, choice: BoxChoice) -> Float64Array:
        """The boxes of a detector that poses are looked for in; the others are counted."""
        sure = boxes[boxes[:, 4] >= choice.bbox_thr]
        apart = sure[box_nms(sure[:, :4], sure[:, 4], choice.nms_thr)]
        chosen = apart[: choice.limit]
        self._left_out["low score"] += len(boxes) - len(sure)
        self._left_out["overlapping a better one"] += len(sure) - len(apart)
        self._left_out["over the limit"] += len(apart) - len(chosen)
        return chosen


def _overlapping(boxes: Float64Array, width: int, height: int) -> BoolArray:
    x, y, wide, high = boxes[:, :4].T
    return np.asarray((x < width) & (y < height) & (x + wide > 0) & (y + high > 0))


def pose_scores(
    boxes: Float64Array, keypoints: Float64Array, confidences: Float64Array, tools: Tools
) -> Float64Array:
    """(N,) scores of poses (N, K, 2), (N, K) found in boxes (N, 5), as the recipe wants them."""
    recipe = tools.recipe
    if recipe.score is not Score.EXPECTED_OKS:
        return paper_score(boxes[:, 4], confidences, recipe.kpt_thr)
    assert tools.score_model is not None
    expected = tools.score_model.expected_oks(
        keypoints, confidences, boxes[:, 2] * boxes[:, 3], tools.skeleton
    )
    return np.asarray(expected * np.clip(boxes[:, 4], 0, 1) ** BOX_EXPONENT)


def _suppressed(
    seen: list[_Seen], keypoints: Float64Array, confidences: Float64Array, tools: Tools
) -> list[AnnotatedPicture]:
    recipe, joints = tools.recipe, tools.estimator.joints
    if not (np.isfinite(keypoints).all() and np.isfinite(confidences).all()):
        raise InputError(f"--model {recipe.model}: its heatmaps hold numbers that are not finite")
    boxes = np.concatenate([*(picture.boxes for picture in seen), np.empty((0, 5))])
    batch = PoseBatch(
        keypoints=keypoints,
        confidences=confidences,
        scores=pose_scores(boxes, keypoints, confidences, tools),
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
    written = confidences
    if recipe.joint_confidence is JointConfidence.CALIBRATED:
        assert tools.score_model is not None
        written = tools.score_model.calibrated(confidences)
    flat = np.concatenate([keypoints.round(2), written.round(4)[..., None]], axis=2)
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
