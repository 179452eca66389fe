"""The poses of one picture, as the Python face gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from mpn_cli.base.arrays import BoolArray, Float64Array, IntArray, Picture
from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import SKELETONS, Skeleton
from mpn_cli.results.coco_writer import prediction
from mpn_cli.results.poses import Pose
from mpn_cli.sources.tasks import Skipped

if TYPE_CHECKING:
    import supervision

DRAWN_JOINTS = 0.1
"""Joints up to this confidence are not drawn, as with ``--overlay``."""

Rows = SupportsIndex | slice | BoolArray | IntArray | Sequence[int]


@dataclass(frozen=True, slots=True, eq=False)
class Poses:
    """The N poses of one picture, best first; K joints each.

    >>> import numpy as np
    >>> joints = np.dstack([np.arange(34).reshape(1, 17, 2), np.full((1, 17, 1), 0.9)])
    >>> poses = Poses.from_coco([{"keypoints": joints.ravel().tolist(), "score": 0.8}])
    >>> len(poses), poses.keypoints.shape
    (1, (1, 17, 2))
    >>> len(poses.likely(0.9))
    0
    """

    keypoints: Float64Array
    """(N, K, 2) x and y, pixels of the picture."""
    confidences: Float64Array
    """(N, K) in 0..1: a joint's chance of being right, where the network has a score model."""
    scores: Float64Array
    """(N,) the OKS that a pose is expected to have, or the paper's eq. 6 (``score="paper"``)."""
    boxes: Float64Array
    """(N, 4) x, y, width, height in pixels: where each pose was looked for."""
    image_id: int = 1
    """The picture's place in the order they were given, from 1."""
    file_name: str = ""
    """Its path; "" for arrays."""
    picture_size: tuple[int, int] | None = None
    """(width, height) in pixels, where the picture was seen."""
    skipped: Skipped | None = None
    """Why the picture could not be used; there are no poses then."""

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, rows: Rows) -> Poses:
        """Some of the poses: by number, slice, list of numbers or mask (N,)."""
        if isinstance(rows, SupportsIndex) and not isinstance(rows, np.ndarray):
            rows = [int(rows)]
        return replace(
            self,
            keypoints=self.keypoints[rows],
            confidences=self.confidences[rows],
            scores=self.scores[rows],
            boxes=self.boxes[rows],
        )

    def likely(self, score: float) -> Poses:
        """The poses with at least this score, as ``--pose-thr`` chooses them."""
        return self[self.scores >= score]

    @property
    def skeleton(self) -> Skeleton:
        """Names, limbs and mirror pairs of the joints."""
        return SKELETONS[self.keypoints.shape[1]]

    def draw(self, picture: Picture) -> Picture:
        """A copy of the picture (H, W, 3) RGB uint8 with the poses drawn in."""
        from mpn_cli.results.overlay import draw_poses

        return draw_poses(picture, self._rows(), self.skeleton, DRAWN_JOINTS)

    def to_coco(self, image_id: int | None = None) -> list[dict[str, Any]]:
        """COCO keypoint results (cocodataset.org/#format-results).

        image_id: the picture's id there; by default :attr:`image_id`.
        """
        number = self.image_id if image_id is None else image_id
        return [prediction(number, pose) for pose in self._rows()]

    @classmethod
    def from_coco(cls, results: Sequence[Mapping[str, Any]]) -> Poses:
        """The poses of COCO keypoint results of one picture, in their order.

        Boxes that are not there are those around the joints. Raises InputError for keypoints that
        are not triples of 17 or 16 joints.
        """
        flat = [np.asarray(result["keypoints"], dtype=np.float64).ravel() for result in results]
        joints = {len(one) / 3 for one in flat} or {17}
        if len(joints) > 1 or not joints <= set(SKELETONS):
            raise InputError(
                f"keypoints are x, y and confidence of {' or '.join(map(str, SKELETONS))} joints"
            )
        rows = np.array(flat).reshape(len(flat), -1 if flat else 17, 3)
        low, high = rows[..., :2].min(axis=1), rows[..., :2].max(axis=1)
        around = np.concatenate([low, high - low], axis=1)
        boxes = [result.get("bbox", box) for result, box in zip(results, around, strict=True)]
        return cls(
            keypoints=rows[..., :2],
            confidences=rows[..., 2],
            scores=np.array([result.get("score", 1.0) for result in results], dtype=np.float64),
            boxes=np.array(boxes, dtype=np.float64).reshape(-1, 4),
            image_id=int(results[0].get("image_id", 1)) if results else 1,
        )

    def to_supervision(self) -> supervision.KeyPoints:
        """The same as supervision's ``KeyPoints`` (supervision 0.29 or newer must be installed)."""
        import supervision

        return supervision.KeyPoints(
            xy=self.keypoints.astype(np.float32),
            class_id=np.zeros(len(self), dtype=np.int64),
            keypoint_confidence=self.confidences.astype(np.float32),
            detection_confidence=self.scores.astype(np.float32),
        )

    def _rows(self) -> list[Pose]:
        flat = np.concatenate([self.keypoints, self.confidences[..., None]], axis=2)
        return [
            Pose(joints.ravel().tolist(), float(score), box.tolist())
            for joints, score, box in zip(flat, self.scores, self.boxes, strict=True)
        ]
