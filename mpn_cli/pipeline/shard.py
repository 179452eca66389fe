"""The pure function at the centre of the program: tasks in, poses out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from mpn_nms.contract import NmsConfig, PoseBatch
from mpn_nms.registry import suppress

from mpn_cli.base.arrays import Float64Array
from mpn_cli.base.choices import JointConfidence, Score
from mpn_cli.base.errors import InputError
from mpn_cli.base.stopwatch import Stopwatch
from mpn_cli.geometry.crops import regions_of_boxes
from mpn_cli.networks.scoring import BOX_EXPONENT, paper_score
from mpn_cli.pipeline.boxes import BoxChooser, task_boxes
from mpn_cli.pipeline.reading_ahead import pictures_of
from mpn_cli.pipeline.tools import Tools
from mpn_cli.results.poses import AnnotatedPicture, Counts, InVideo, Pose, ShardResult
from mpn_cli.sources.frames import FrameReader
from mpn_cli.sources.reading import Decoded, read_picture, read_reduced
from mpn_cli.sources.tasks import FrameTask, Skipped, Task

DETECTION_SIDE = 1280
"""Pixels of the longer side that a picture keeps with ``--fast-decode`` where its people are not
known yet: one of a fifth of its height still fills a crop."""

DETECT_PICTURES = 8
DETECT_PIXELS = 30_000_000
"""Limits on the pictures given to a detector at once: their number, or their pixels in total."""


@dataclass
class _Seen:
    """A picture that was read, and the boxes (N, 5) whose poses are its own."""

    task: Task
    width: int
    height: int
    boxes: Float64Array


def annotate_shard(
    tasks: Sequence[Task],
    tools: Tools,
    read: Callable[[Task], Decoded] | None = None,
    seen: Callable[[Task, Decoded], None] | None = None,
) -> ShardResult:
    """Annotate some pictures; one that can't be used becomes a ``Skipped``, never an error.

    ``read`` gives a task's picture or raises UnreadableError; by default it is read from its file.
    ``seen`` is called with each picture that was read.
    """
    if any(isinstance(task, FrameTask) for task in tasks):
        with FrameReader(tools.reading_threads) as frames:
            # Frames come in order only if one thread asks for them; the decoder has threads too.
            return _annotate(pictures_of(tasks, _frame_reader(frames, tools)), tools, seen)
    pictures = pictures_of(tasks, read or _reader(tools), tools.reading_threads)
    return _annotate(pictures, tools, seen)


def _annotate(
    pictures: Iterator[tuple[Task, Decoded | Skipped]],
    tools: Tools,
    seen: Callable[[Task, Decoded], None] | None,
) -> ShardResult:
    shard = _Shard(tools)
    while True:
        with shard.stopwatch.stage("read"):
            task, picture = next(pictures, (None, None))
        if task is None or picture is None:
            return shard.result()
        if isinstance(picture, Skipped):
            shard.skipped.append(picture)
        else:
            if seen is not None:
                seen(task, picture)
            shard.add(task, picture)


def _frame_reader(frames: FrameReader, tools: Tools) -> Callable[[Task], Decoded]:
    """Reads frames of videos, and pictures as well."""
    pictures = _reader(tools)
    return lambda task: frames.read(task) if isinstance(task, FrameTask) else pictures(task)


def _reader(tools: Tools) -> Callable[[Task], Decoded]:
    """Reads a task's picture, smaller where that is allowed and does no harm."""
    if not tools.recipe.fast_decode:
        return lambda task: Decoded.whole(read_picture(task.path, task.size))
    size, padding = tools.network.input_size, tools.network.conventions.padding

    def read(task: Task) -> Decoded:
        def most(width: int, height: int) -> float:
            if task.boxes is None:
                return max(width, height) / DETECTION_SIDE
            regions = regions_of_boxes(task_boxes(task)[:, :4], size, padding)
            return float((regions.sizes / size).min(initial=np.inf))

        return read_reduced(task.path, most, task.size)

    return read


class _Shard:
    """A shard in progress: pictures wait for the detector, their crops for the network."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self.stopwatch = Stopwatch()
        self.skipped: list[Skipped] = []
        self._boxes = BoxChooser(tools.recipe, tools.detector, self.stopwatch)
        self._poses = tools.pose_finder(self.stopwatch)
        self._waiting: list[tuple[Task, Decoded]] = []
        self._seen: list[_Seen] = []
        self._other_size = 0

    def add(self, task: Task, picture: Decoded) -> None:
        """Add a picture; the detector runs when enough pictures are waiting."""
        self._waiting.append((task, picture))
        self._other_size += task.size not in (None, (picture.width, picture.height))
        pixels = sum(one.width * one.height for _, one in self._waiting)
        if len(self._waiting) == DETECT_PICTURES or pixels > DETECT_PIXELS:
            self._find_people()

    def result(self) -> ShardResult:
        """Process the waiting pictures and return the shard's result."""
        self._find_people()
        keypoints, confidences = self._poses.found()
        with self.stopwatch.stage("nms"):
            pictures = _suppressed(self._seen, keypoints, confidences, self.tools)
        threshold = self.tools.recipe.pose_thr
        counts = Counts(
            full_image=self._boxes.whole_pictures,
            kept_out=sum(len(one.poses) - len(one.likely(threshold)) for one in pictures),
            other_size=self._other_size,
            boxes_left_out=dict(+self._boxes.left_out),
            seconds=dict(self.stopwatch.seconds),
        )
        return ShardResult(pictures, self.skipped, counts)

    def _find_people(self) -> None:
        all_boxes = self._boxes.boxes_of(self._waiting)
        for (task, picture), boxes in zip(self._waiting, all_boxes, strict=True):
            self._seen.append(_Seen(task, picture.width, picture.height, boxes))
            self._poses.add(picture, boxes[:, :4], self._boxes.flipped(task, boxes))
        self._waiting.clear()


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
    """What the NMS keeps of a shard's poses, picture by picture."""
    recipe, joints = tools.recipe, tools.network.joints
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
            InVideo.of(picture.task),
        )
        for picture, first, last in zip(seen, kept.offsets[:-1], kept.offsets[1:], strict=True)
    ]
