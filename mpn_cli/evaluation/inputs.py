"""A ground truth and the results for it, read from COCO files and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from mpn_cli.arrays import BoolArray, Float64Array
from mpn_cli.errors import InputError
from mpn_cli.evaluation.files import read_json
from mpn_cli.evaluation.health import Found, Labelled
from mpn_cli.skeletons import COCO, SKELETONS, mirrored


class Result(msgspec.Struct, gc=False):
    """One pose of a results file."""

    image_id: int
    keypoints: list[float]
    score: float
    category_id: int = 1


class Image(msgspec.Struct):
    """One picture of a data set."""

    id: int
    file_name: str = ""
    width: float | None = None
    height: float | None = None
    labels_complete: bool = True
    """False where there may be people without an annotation; no field of COCO's own."""


class Person(msgspec.Struct):
    """One annotation of a data set."""

    id: int
    image_id: int
    keypoints: list[float] = []
    bbox: list[float] = []
    area: float | None = None
    iscrowd: int | None = None
    num_keypoints: int | None = None

    def labelled(self) -> int:
        """How many joints are labelled."""
        return sum(seen > 0 for seen in self.keypoints[2::3])


class _Category(msgspec.Struct):
    id: int
    keypoints: list[str] = []


class _Content(msgspec.Struct):
    images: list[Image]
    annotations: list[Person]
    categories: list[_Category] = []


@dataclass(frozen=True)
class GroundTruth:
    """A COCO data set with labelled keypoints."""

    file: Path
    images: dict[int, Image]
    people: list[Person]
    """All annotations, crowds and people without a labelled joint included."""
    names: tuple[str, ...]
    """Of the joints."""
    categories: Sequence[int]
    sigmas: Float64Array
    """(K,) OKS constants."""
    own_sigmas: bool
    """Whether they are the user's and not COCO's."""

    @property
    def custom_sigmas(self) -> list[float] | None:
        """What an engine has to be told: the user's OKS constants; None for COCO's."""
        return self.sigmas.tolist() if self.own_sigmas else None

    @cached_property
    def scored(self) -> list[Person]:
        """Who has to be found: people with a labelled joint, no crowds."""
        return [p for p in self.people if p.labelled() and not p.iscrowd]

    @cached_property
    def keypoints(self) -> Float64Array:
        """(M, K, 3) of ``scored``: pixels, visibility."""
        flat = np.array([one.keypoints for one in self.scored], dtype=np.float64)
        return flat.reshape(-1, len(self.names), 3)

    @cached_property
    def areas(self) -> Float64Array:
        """(M,) of ``scored``, pixels squared."""
        return np.array([one.area for one in self.scored], dtype=np.float64)

    def content(self) -> str | dict[str, Any]:
        """What an engine takes: the file, or its content with the fields that COCO always has."""
        if all(p.num_keypoints is not None and p.iscrowd is not None for p in self.people):
            return str(self.file)
        content: dict[str, Any] = msgspec.json.decode(self.file.read_bytes())
        for one, person in zip(content["annotations"], self.people, strict=True):
            one["iscrowd"] = person.iscrowd or 0
            one["num_keypoints"] = person.labelled()
        return content

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
            {
                image.id: (image.width, image.height) if image.width and image.height else None
                for image in self.images.values()
            },
            self.categories,
            [one.image_id for one in self.scored],
            self.keypoints,
            self.areas,
        )


@dataclass(frozen=True)
class Results:
    """COCO keypoint results, as arrays; row n is the file's result n."""

    file: Path
    pictures: list[int]
    categories: list[int]
    keypoints: Float64Array
    """(N, K, 3): pixels, confidence."""
    scores: Float64Array
    """(N,)."""
    known: BoolArray
    """(N,) whether the ground truth has the picture."""

    def __len__(self) -> int:
        return len(self.pictures)

    def found(self) -> Found:
        """What the health check looks at."""
        places = np.ascontiguousarray(self.keypoints[..., :2])
        return Found(self.pictures, self.categories, places, self.scores)

    def content(self) -> str | list[dict[str, Any]]:
        """What an engine takes: the file, or its results for known pictures alone."""
        if not len(self):
            return []
        if self.known.all():
            return str(self.file)
        everything = msgspec.json.decode(self.file.read_bytes())
        return [one for one, known in zip(everything, self.known, strict=True) if known]

    @cached_property
    def rows(self) -> Any:
        """(N',) this file's row of each result of ``content``."""
        return np.flatnonzero(self.known)


def read_ground_truth(file: Path, sigmas: str | None = None) -> GroundTruth:
    """A COCO data set; ``sigmas`` as on the command line. Raises InputError."""
    content = read_json(file, _Content, "a COCO data set")
    joints = max((len(one.keypoints) for one in content.annotations), default=0) // 3
    if not joints:
        raise InputError(f"{file}: no annotation has keypoints")
    for one in content.annotations:
        if len(one.keypoints) not in (0, 3 * joints):
            raise InputError(
                f"{file}: annotation {one.id} has {len(one.keypoints) / 3:g} joints, others"
                f" {joints}"
            )
        if one.area is None:
            raise InputError(f"{file}: annotation {one.id} has no area, which OKS is measured in")
    return GroundTruth(
        file,
        {image.id: image for image in content.images},
        content.annotations,
        _names(content.categories, joints),
        [category.id for category in content.categories] or [1],
        np.array(_sigmas(sigmas, joints)),
        sigmas is not None,
    )


def read_results(file: Path, truth: GroundTruth) -> Results:
    """Results for a ground truth. Raises InputError."""
    results = read_json(file, list[Result], "a list of COCO keypoint results")
    joints = len(truth.names)
    for number, one in enumerate(results):
        if len(one.keypoints) != 3 * joints:
            raise InputError(
                f"{file}: result {number} has {len(one.keypoints) / 3:g} joints, the ground"
                f" truth {joints}"
            )
    known = np.array([one.image_id in truth.images for one in results], dtype=bool)
    if results and not known.any():
        raise InputError(
            f"{file}: none of its pictures is in {truth.file} (first: image id"
            f" {results[0].image_id})"
        )
    flat = np.fromiter(chain.from_iterable(one.keypoints for one in results), np.float64)
    return Results(
        file,
        [one.image_id for one in results],
        [one.category_id for one in results],
        flat.reshape(-1, joints, 3),
        np.array([one.score for one in results], dtype=np.float64),
        known,
    )


def _names(categories: Sequence[_Category], joints: int) -> tuple[str, ...]:
    for category in categories:
        if len(category.keypoints) == joints:
            return tuple(category.keypoints)
    if joints in SKELETONS:
        return SKELETONS[joints].keypoints
    return tuple(f"joint {number}" for number in range(joints))


def _sigmas(text: str | None, joints: int) -> Sequence[float]:
    """OKS constants: the user's, or COCO's for its 17 joints. Raises InputError."""
    if text is None:
        if joints != COCO.joints:
            raise InputError(f"{joints} joints are not COCO's 17: give their --sigmas")
        return COCO.sigmas
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != joints or min(values, default=0) <= 0:
        raise InputError(f"--sigmas {text}: {joints} numbers over 0, separated by commas")
    return values
