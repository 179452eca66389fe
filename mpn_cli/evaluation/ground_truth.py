"""A ground truth: a COCO data set with labelled keypoints, read and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from mpn_cli.base.arrays import BoolArray, Float64Array, IntArray
from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import COCO, SKELETONS, mirrored
from mpn_cli.evaluation.health import Labelled
from mpn_cli.evaluation.labels import odd_labels
from mpn_cli.evaluation.naming import Pictures
from mpn_cli.evaluation.sigmas import oks_constants
from mpn_cli.formats.coco import (
    PERSON_ID,
    Category,
    Id,
    Image,
    PoseDataSet,
    find_category,
    list_categories,
    number_of,
    numbered,
    read_data_set,
)
from mpn_cli.formats.coco import Person as Annotation


class Person(msgspec.Struct, frozen=True, gc=False):
    """An annotation that is evaluated, with all that COCO's evaluation asks of it."""

    id: int
    """Its place among the evaluated, counted from 1."""
    image_id: int
    """The picture's number."""
    category_id: int
    """The category's number."""
    keypoints: list[float]
    bbox: list[float] | None
    area: float
    """Pixels squared."""
    iscrowd: bool
    num_keypoints: int
    labelled: int
    """How many joints are labelled."""


@dataclass(frozen=True, slots=True)
class People:
    """M annotations as arrays; row n is the annotation whose ``id`` is n + 1."""

    keypoints: Float64Array
    """(M, K, 3) pixels, visibility."""
    boxes: Float64Array
    """(M, 4) x, y, width, height, pixels; zeros where an annotation has no box."""
    areas: Float64Array
    """(M,) pixels squared."""
    labelled: IntArray
    """(M,) how many joints are labelled."""
    crowd: BoolArray
    """(M,) a region with many people, which any number of results may be matched with."""
    ignored: BoolArray
    """(M,) crowds and people whose joints nobody counted: they need not be found."""
    pictures: IntArray
    """(M,) numbers."""
    categories: IntArray
    """(M,) numbers."""


@dataclass(frozen=True)
class GroundTruth:
    """A COCO data set with labelled keypoints."""

    file: Path
    pictures: Pictures
    people: list[Person]
    """All annotations that are evaluated, crowds and people without a labelled joint included."""
    names: tuple[str, ...]
    """Of the joints."""
    categories: Mapping[Id, int]
    """The evaluated categories' numbers, by the ids that the file gives them."""
    other_categories: frozenset[Id]
    """Those that ``--category`` leaves out."""
    chosen: bool
    """Whether the user has said which category is evaluated."""
    category_names: str
    """They, for a message: "1 person, 2 dog"."""
    sigmas: Float64Array
    """(K,) OKS constants."""
    own_sigmas: bool
    """Whether they are others than COCO's."""
    all_keypoints: Float64Array
    """(M, K, 3) of ``people``: pixels, visibility."""
    notes: list[str] = field(default_factory=list)
    """What is odd about the labels, a line each."""

    @property
    def images(self) -> Mapping[int, Image]:
        """The pictures by number."""
        return self.pictures.images

    @property
    def custom_sigmas(self) -> list[float] | None:
        """What an engine has to be told: the user's OKS constants; None for COCO's."""
        return self.sigmas.tolist() if self.own_sigmas else None

    @cached_property
    def columns(self) -> People:
        """All of ``people``."""
        crowd = np.array([one.iscrowd for one in self.people], dtype=np.bool_)
        counted = np.array([one.num_keypoints for one in self.people], dtype=np.int64)
        boxes = [one.bbox or (0.0, 0.0, 0.0, 0.0) for one in self.people]
        return People(
            self.all_keypoints,
            np.array(boxes, dtype=np.float64).reshape(-1, 4),
            np.array([one.area for one in self.people], dtype=np.float64),
            np.array([one.labelled for one in self.people], dtype=np.int64),
            crowd,
            crowd | (counted == 0),
            np.array([one.image_id for one in self.people], dtype=np.int64),
            np.array([one.category_id for one in self.people], dtype=np.int64),
        )

    @cached_property
    def scored_rows(self) -> IntArray:
        """(S,) the rows of ``people`` who have to be found: with a labelled joint, no crowds."""
        return np.flatnonzero((self.columns.labelled > 0) & ~self.columns.ignored)

    @cached_property
    def scored(self) -> list[Person]:
        """Who has to be found, as in ``scored_rows``."""
        return [self.people[row] for row in self.scored_rows.tolist()]

    @cached_property
    def keypoints(self) -> Float64Array:
        """(S, K, 3) of ``scored``: pixels, visibility."""
        return self.columns.keypoints[self.scored_rows]

    @cached_property
    def picture_of(self) -> IntArray:
        """(S,) of ``scored``: the picture's number."""
        return self.columns.pictures[self.scored_rows]

    @cached_property
    def areas(self) -> Float64Array:
        """(S,) of ``scored``, pixels squared."""
        return self.columns.areas[self.scored_rows]

    def content(self) -> dict[str, Any]:
        """What an engine takes: nothing but what keypoint numbers need.

        Engines read all fields of a file, and refuse it for years, licences or sizes that are
        written otherwise than COCO's.
        """
        return {
            "images": [{"id": number} for number in self.images],
            "categories": [
                {"id": number, "name": str(name)} for name, number in self.categories.items()
            ],
            "annotations": [
                {
                    "id": one.id,
                    "image_id": one.image_id,
                    "category_id": one.category_id,
                    "bbox": one.bbox or [0.0, 0.0, 0.0, 0.0],
                    "area": one.area,
                    "iscrowd": int(one.iscrowd),
                    "num_keypoints": one.num_keypoints,
                    "keypoints": one.keypoints,
                }
                for one in self.people
            ],
        }

    @cached_property
    def mirrored(self) -> tuple[int, ...]:
        """For each joint the index of its mirror image, itself where it has none."""
        return tuple(
            self.names.index(other) if (other := mirrored(name)) in self.names else joint
            for joint, name in enumerate(self.names)
        )

    def labelled(self) -> Labelled:
        """What the health check looks at."""
        return Labelled(
            {number: image.size for number, image in self.images.items()},
            self.categories,
            self.picture_of.tolist(),
            self.keypoints,
            self.areas,
            self.category_names,
        )


def read_ground_truth(
    file: Path, sigmas: str | None = None, category: str | None = None
) -> GroundTruth:
    """A COCO data set; ``sigmas`` and ``category`` as on the command line. Raises InputError."""
    content = read_data_set(file, PoseDataSet)
    annotations = content.annotations or []
    listed, notes = _categories(file, content)
    categories, others = _chosen(file, listed, category)
    numbers = numbered(image.id for image in content.images)
    images = {numbers[image.id]: image for image in content.images}
    if len(images) < len(content.images):
        notes.append(
            f"{len(content.images) - len(images)} of its image ids appear twice: the"
            " last picture counts"
        )
    chosen = [p for p in annotations if p.category_id in categories]
    strangers = len(annotations) - len(chosen)
    strangers -= sum(p.category_id in others for p in annotations)
    if strangers:
        notes.append(
            f"{strangers} annotations have a category that is not among its categories:"
            " they count for nothing"
        )
    placed = [(p, n) for p in chosen if (n := number_of(numbers, p.image_id)) is not None]
    labels = [p for p, _ in placed]
    if len(labels) < len(chosen):
        notes.append(
            f"{len(chosen) - len(labels)} annotations are for pictures that are not among"
            " its images: they count for nothing"
        )
    joints = _joints(file, labels, listed)
    names = _names([c for c in listed if c.id in categories], joints)
    unlabelled = [0.0] * (3 * joints)
    flat = [one.keypoints or unlabelled for one in labels]
    keypoints = np.array(flat, dtype=np.float64).reshape(len(labels), joints, 3)
    labelled = (keypoints[..., 2] > 0).sum(axis=1).tolist()
    notes += odd_labels(labels, keypoints, labelled, names)
    people = [
        _person(file, one, number, picture, categories[one.category_id], count, joints)
        for number, ((one, picture), count) in enumerate(zip(placed, labelled, strict=True), 1)
    ]
    boxes = sum(
        one.area is None and not one.iscrowd and count > 0
        for one, count in zip(labels, labelled, strict=True)
    )
    if boxes:
        notes.append(
            f"{boxes} people have no area: OKS takes their boxes', which are larger than"
            " the segmented areas of COCO"
        )
    values = oks_constants(sigmas, joints, names)
    truth = GroundTruth(
        file,
        Pictures(file, images, numbers),
        people,
        names,
        categories,
        others,
        category is not None,
        list_categories(listed),
        np.array(values),
        tuple(values) != COCO.sigmas,
        keypoints,
        notes,
    )
    if not truth.scored:
        notes.append("nobody has to be found: no annotation that counts has a labelled joint")
    return truth


def _categories(file: Path, content: PoseDataSet) -> tuple[Sequence[Category], list[str]]:
    """A data set's categories, and a line where it names none."""
    if content.categories:
        return content.categories, []
    used = {one.category_id for one in content.annotations or []} or {PERSON_ID}
    listed = ", ".join(sorted(map(str, used)))
    return [Category(one) for one in sorted(used, key=str)], [
        f"names no categories: those of its annotations are evaluated ({listed})"
    ]


def _chosen(
    file: Path, categories: Sequence[Category], wanted: str | None
) -> tuple[dict[Id, int], frozenset[Id]]:
    """The evaluated categories' numbers by id, and the ids of the others. Raises InputError."""
    ids = {one.id for one in categories}
    numbers = numbered(ids)
    if wanted is None:
        return numbers, frozenset()
    found = find_category(categories, wanted)
    if not found:
        raise InputError(
            f"{file}: --category {wanted} is none of its; there are: {list_categories(categories)}"
        )
    return {one: numbers[one] for one in found}, frozenset(ids - found)


def _joints(file: Path, people: Sequence[Annotation], categories: Sequence[Category]) -> int:
    """How many joints everybody has. Raises InputError where that differs."""
    first: dict[int, Annotation] = {}
    for one in people:
        if one.keypoints:
            first.setdefault(len(one.keypoints), one)
    if not first:
        raise InputError(f"{file}: no annotation has keypoints")
    usual = max(first)
    for length, one in first.items():
        if length == usual and not length % 3:
            continue
        if len({p.category_id for p in first.values()}) > 1:
            raise InputError(
                f"{file}: its categories have different joints; there are:"
                f" {list_categories(categories)}. --category says which is evaluated"
            )
        raise InputError(
            f"{file}: annotation {one.id} has {length / 3:g} joints, others {usual / 3:g}"
        )
    return usual // 3


def _person(
    file: Path,
    one: Annotation,
    number: int,
    picture: int,
    category: int,
    labelled: int,
    joints: int,
) -> Person:
    """An annotation with what it lacks filled in. Raises InputError where that can't be done."""
    box = one.bbox if one.bbox and len(one.bbox) == 4 else None
    area = one.area
    if area is None and box is not None:
        area = box[2] * box[3]
    if area is None and labelled and not one.iscrowd:
        raise InputError(
            f"{file}: annotation {one.id} has neither area nor bbox, and OKS is measured in the"
            " area"
        )
    return Person(
        number,
        picture,
        category,
        one.keypoints or [0.0] * (3 * joints),
        box,
        area or 0.0,
        bool(one.iscrowd),
        labelled if one.num_keypoints is None else one.num_keypoints,
        labelled,
    )


def _names(categories: Iterable[Category], joints: int) -> tuple[str, ...]:
    for category in categories:
        if len(category.joints) == joints:
            return category.joints
    if joints in SKELETONS:
        return SKELETONS[joints].keypoints
    return tuple(f"joint {number}" for number in range(joints))
