"""Selection of the boxes in which poses are estimated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from mpn_nms.plugins import blamed

from mpn_cli.base.arrays import BoolArray, Float64Array
from mpn_cli.base.recipe import BoxChoice, Recipe
from mpn_cli.base.stopwatch import Stopwatch
from mpn_cli.detectors.contract import Detector, takes_whole_pictures
from mpn_cli.geometry.boxes import box_nms
from mpn_cli.sources.reading import Decoded
from mpn_cli.sources.tasks import Task


class BoxChooser:
    """Takes the boxes that pictures come with, or the detector's, and chooses among them.

    detector: None where all pictures come with boxes.
    """

    def __init__(self, recipe: Recipe, detector: Detector | None, stopwatch: Stopwatch) -> None:
        self._recipe = recipe
        self._detector = detector
        self._stopwatch = stopwatch
        self.left_out: Counter[str] = Counter()
        """Number of dropped boxes by reason."""
        self.whole_pictures = 0
        """Number of pictures that the detector took as one person."""

    def boxes_of(self, pictures: Sequence[tuple[Task, Decoded]]) -> Iterator[Float64Array]:
        """The chosen boxes (N, 5) of each picture: x, y, width, height in pixels, and score.

        Pictures without boxes are given to the detector all at once. Raises PluginError where it
        fails.
        """
        detected = iter(self._detected([one for task, one in pictures if task.boxes is None]))
        for task, picture in pictures:
            boxes = next(detected) if task.boxes is None else task_boxes(task)
            inside = _overlapping(boxes, picture.width, picture.height)
            self.left_out["outside the picture"] += int((~inside).sum())
            boxes = boxes[inside]
            if not task.labelled:
                given = task.boxes is not None
                boxes = self._chosen(boxes, self._recipe.given if given else self._recipe.detected)
            yield boxes

    def flipped(self, task: Task, boxes: Float64Array) -> BoolArray:
        """Which of a picture's boxes (N, 5) get the flip test: (N,).

        Boxes that came with their picture always get it; a detector's need a high enough score.
        """
        if task.boxes is not None:
            return np.full(len(boxes), self._recipe.flip)
        return np.asarray(self._recipe.flip & (boxes[:, 4] >= self._recipe.flip_thr))

    def _detected(self, pictures: Sequence[Decoded]) -> list[Float64Array]:
        """The detector's boxes (N, 5) in each picture."""
        if not pictures:
            return []
        detector = self._detector
        assert detector is not None
        if takes_whole_pictures(detector):
            self.whole_pictures += len(pictures)
        with self._stopwatch.stage("detect"), blamed(detector, "detector"):
            found = detector([picture.pixels for picture in pictures])
            return [
                np.asarray(boxes, dtype=np.float64).reshape(-1, 5) * ([one.reduction] * 4 + [1])
                for boxes, one in zip(found, pictures, strict=True)
            ]

    def _chosen(self, boxes: Float64Array, choice: BoxChoice) -> Float64Array:
        """The boxes that a choice keeps, best first; the others are counted."""
        sure = boxes[boxes[:, 4] >= choice.bbox_thr]
        apart = sure[box_nms(sure[:, :4], sure[:, 4], choice.nms_thr)]
        chosen = apart[: choice.limit]
        self.left_out["low score"] += len(boxes) - len(sure)
        self.left_out["overlapping a better one"] += len(sure) - len(apart)
        self.left_out["over the limit"] += len(apart) - len(chosen)
        return chosen


def task_boxes(task: Task) -> Float64Array:
    """(N, 5) the boxes that a task comes with: x, y, width, height in pixels, and score."""
    rows = [msgspec.structs.astuple(box) for box in task.boxes or ()]
    return np.array(rows, dtype=np.float64).reshape(-1, 5)


def _overlapping(boxes: Float64Array, width: int, height: int) -> BoolArray:
    x, y, wide, high = boxes[:, :4].T
    return np.asarray((x < width) & (y < height) & (x + wide > 0) & (y + high > 0))
