"""What a network makes of labelled people: in their boxes, in worse ones, and where nobody is."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mpn_cli.base.arrays import BoolArray, Float64Array, IntArray
from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import COCO, Skeleton
from mpn_cli.base.stopwatch import Stopwatch
from mpn_cli.evaluation.ground_truth import GroundTruth, Person, read_ground_truth
from mpn_cli.evaluation.similarity import similarities
from mpn_cli.geometry.boxes import box_iou
from mpn_cli.pipeline.reading_ahead import pictures_of
from mpn_cli.pipeline.tools import Tools
from mpn_cli.sources.reading import Decoded, read_picture
from mpn_cli.sources.tasks import Skipped, Task
from mpn_cli.training.data_sets import PictureFile, find_pictures, held_out

OWN, WORSE, NOBODY = 0, 1, 2
"""A sample's box: a person's own, that box moved and scaled, or one on background."""

SHIFT, SCALE = 0.1, 0.15
"""Standard deviations of a worse box: of its shift, in its own sides, and of the logarithms of its
sides. Its IoU with the person's own box is 0.7 in the middle, as a small detector's."""

HELD_OUT_EVERY = 10
"""As in training: each tenth picture, by a hash of its name."""

_TRIES = 30
_OVERLAP = 0.1
"""A box on background has at most this IoU with anybody's."""
_THREADS = 2


@dataclass(frozen=True)
class Samples:
    """N poses that a network found in boxes of known content."""

    kinds: IntArray
    """(N,) OWN, WORSE or NOBODY."""
    people: list[Person | None]
    """The person whose box it is; None on background."""
    pictures: list[tuple[int, int]]
    """The data set's number and the picture's id."""
    folds: IntArray
    """(N,) by a hash of the picture's name, without end: taken modulo the number of folds."""
    areas: Float64Array
    """(N,) of the boxes, pixels squared."""
    keypoints: Float64Array
    """(N, K, 2) pixels."""
    confidences: Float64Array
    """(N, K)."""
    similarity: Float64Array
    """(N, K) OKS term of each joint; NaN where it has no label."""

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def labelled(self) -> BoolArray:
        """(N, K)."""
        return np.asarray(~np.isnan(self.similarity))

    @property
    def oks(self) -> Float64Array:
        """(N,) with the person; 0 on background."""
        labelled = self.labelled
        total = np.where(labelled, self.similarity, 0.0).sum(axis=1)
        return np.asarray(total / np.maximum(labelled.sum(axis=1), 1))


@dataclass(frozen=True, slots=True)
class _Picture:
    file: PictureFile
    key: tuple[int, int]
    boxes: Float64Array
    """(n, 4)."""
    kinds: list[int]
    people: list[Person | None]


def read_labels(source: Path, skeleton: Skeleton) -> GroundTruth:
    """The people of a COCO file, or of a folder with ``person_keypoints.json``. Raises InputError.

    Joint sets other than COCO's have their own OKS constants.
    """
    file = source / "person_keypoints.json" if source.is_dir() else source
    own = None if skeleton is COCO else ",".join(map(str, skeleton.sigmas))
    truth = read_ground_truth(file, own)
    if len(truth.names) != skeleton.joints:
        raise InputError(f"{file}: {len(truth.names)} joints, the network has {skeleton.joints}")
    return truth


def collect(
    data: Sequence[Path], parts: Sequence[Path], tools: Tools, report: Callable[[int, int], None]
) -> Samples:
    """Run a network over the people of data sets, and of the held-out tenth of ``parts``.

    report: told how many pictures of how many are done. Raises InputError.
    """
    skeleton = tools.skeleton
    pictures: list[_Picture] = []
    truths: list[GroundTruth] = []
    for source in (*data, *parts):
        truths.append(read_labels(source, skeleton))
        only = len(truths) > len(data)
        pictures += _pictures(truths[-1], len(truths) - 1, tenth=only)
    if not pictures:
        raise InputError("nobody with a box and a labelled joint to calibrate with")
    finder = tools.pose_finder(Stopwatch())
    tasks = [
        Task(n, str(one.file.path), one.file.path.name, size=one.file.size)
        for n, one in enumerate(pictures)
    ]
    used: list[_Picture] = []
    for task, picture in pictures_of(
        tasks, lambda task: Decoded.whole(read_picture(task.path, task.size)), _THREADS
    ):
        if isinstance(picture, Skipped):
            raise InputError(f"{picture.path}: {picture.reason}: {picture.detail}")
        used.append(pictures[task.image_id])
        boxes = used[-1].boxes
        finder.add(picture, boxes, np.full(len(boxes), tools.recipe.flip))
        report(len(used), len(tasks))
    keypoints, confidences = finder.found()
    return _compared(used, keypoints, confidences, truths, skeleton)


def _compared(
    pictures: Sequence[_Picture],
    keypoints: Float64Array,
    confidences: Float64Array,
    truths: Sequence[GroundTruth],
    skeleton: Skeleton,
) -> Samples:
    people = [person for one in pictures for person in one.people]
    boxes = np.concatenate([one.boxes for one in pictures])
    similarity = np.full(confidences.shape, np.nan)
    sigmas = np.array(skeleton.sigmas)
    for row, person in enumerate(people):
        if person is not None:
            labels = np.array(person.keypoints, dtype=np.float64).reshape(-1, 3)
            terms = similarities(
                keypoints[row], labels[:, :2], np.asarray(float(person.area or 0)), sigmas
            )
            similarity[row] = np.where(labels[:, 2] > 0, terms, np.nan)
    return Samples(
        kinds=np.array([kind for one in pictures for kind in one.kinds], dtype=np.int64),
        people=people,
        pictures=[one.key for one in pictures for _ in one.kinds],
        folds=np.array(
            [zlib.crc32(one.file.path.name.encode()) for one in pictures for _ in one.kinds],
            dtype=np.int64,
        ),
        areas=boxes[:, 2] * boxes[:, 3],
        keypoints=keypoints,
        confidences=confidences,
        similarity=similarity,
    )


def _pictures(truth: GroundTruth, number: int, *, tenth: bool) -> Iterator[_Picture]:
    """The pictures of a data set that have people, with the boxes that are looked into."""
    people: dict[int, list[Person]] = {}
    taken: dict[int, list[list[float]]] = {}
    for one in truth.people:
        if one.bbox is not None and len(one.bbox) == 4:
            taken.setdefault(one.image_id, []).append(one.bbox)
    for one in truth.scored:
        if one.bbox is not None and len(one.bbox) == 4 and min(one.bbox[2:]) > 0:
            people.setdefault(one.image_id, []).append(one)
    ids = sorted(people)
    images = [truth.images[one] for one in ids]
    files = find_pictures(truth.file, images, [image.id for image in images])
    wanted = held_out(truth.file, files, HELD_OUT_EVERY) if tenth else np.ones(len(ids), dtype=bool)
    for picture, image, file, used in zip(ids, images, files, wanted.tolist(), strict=True):
        if used:
            rng = np.random.default_rng(picture)
            own = np.array([one.bbox for one in people[picture]], dtype=np.float64)
            nobody = np.empty((0, 4))
            if image.labels_complete and image.size is not None:
                everybody = np.array(taken[picture], dtype=np.float64)
                nobody = _background(rng, *image.size, everybody)
            yield _Picture(
                file,
                (number, picture),
                np.concatenate([own, _worse(rng, own), nobody]),
                [OWN] * len(own) + [WORSE] * len(own) + [NOBODY] * len(nobody),
                [*people[picture], *people[picture], *[None] * len(nobody)],
            )


def _worse(rng: np.random.Generator, boxes: Float64Array) -> Float64Array:
    """Boxes (N, 4) as a detector might have drawn them."""
    sides = boxes[:, 2:] * np.exp(rng.normal(0, SCALE, (len(boxes), 2)))
    centres = boxes[:, :2] + boxes[:, 2:] * (0.5 + rng.normal(0, SHIFT, (len(boxes), 2)))
    return np.concatenate([centres - sides / 2, sides], axis=1)


def _background(
    rng: np.random.Generator, width: float, height: float, taken: Float64Array
) -> Float64Array:
    """(1, 4) a box as high as people are that touches nobody; (0, 4) where none was found."""
    for _ in range(_TRIES):
        tall = float(np.exp(rng.uniform(np.log(min(40, height)), np.log(height))))
        wide = min(tall * float(np.exp(rng.normal(-0.7, 0.4))), width)
        x, y = rng.uniform(0, width - wide), rng.uniform(0, height - tall)
        box = np.array([[x, y, wide, tall]])
        if box_iou(box, taken).max(initial=0.0) < _OVERLAP:
            return box
    return np.empty((0, 4))
