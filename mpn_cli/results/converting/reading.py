"""What is converted: a results folder of mpn annotate, or a COCO data set with keypoints."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import SKELETONS
from mpn_cli.formats.coco import (
    PERSON,
    PERSON_ID,
    Category,
    Id,
    Image,
    Number,
    Person,
    find_category,
    list_categories,
    number_of,
    numbered,
)
from mpn_cli.formats.files import decode_json, read_content, read_json
from mpn_cli.formats.pictures import PictureFinder
from mpn_cli.results.converting.labelled import Joint, JointSet, Labelled, LabelledPicture
from mpn_cli.results.poses import PredictedPose
from mpn_cli.results.run_record import RunRecord
from mpn_cli.sources.remote import is_remote

_DRIVE = re.compile(r"^[A-Za-z]:$")


class _Category(Category):
    skeleton: Any = None
    """Pairs of joints, counted from 1; other tools write other things too."""


class _Person(Person):
    score: Number | None = None
    track_id: int | None = None


class _Image(Image):
    frame_id: int | None = None
    """A frame's number in its video."""


class _Images(msgspec.Struct):
    images: list[_Image]
    categories: list[_Category] | None = None


class _DataSet(_Images):
    annotations: list[_Person] | None = None


class _Pose(PredictedPose, frozen=True, kw_only=True, gc=False):
    track_id: int | None = None


class _Recipe(msgspec.Struct):
    kpt_thr: float
    pose_thr: float


class _Job(msgspec.Struct):
    recipe: _Recipe


@dataclass(frozen=True)
class Labels:
    """What was read; the pictures are made one by one, since their people take much memory."""

    count: int
    """Number of pictures."""
    pictures: Iterator[LabelledPicture]
    joint_sets: tuple[JointSet, ...]
    text_ids: bool = False
    """Whether some of the pictures' ids are texts."""
    not_people: Counter[str] = field(default_factory=Counter)
    """Annotations that are no person with joints, by kind: nothing that a pose format could hold.
    """


def read_labels(
    results: Path, images: str | None, category: str | None, pose_thr: float | None
) -> Labels:
    """Pictures and people of a results folder or a COCO data set. Raises InputError.

    images: where the pictures are, if they are not where the run or the data set found them;
    category: the name or id of the only category that is read; pose_thr: people with a lower score
    are left out.
    """
    if images is not None and not os.path.isdir(images):
        raise InputError(f"--images {images}: no such folder")
    folder = results if results.is_dir() else results.parent
    if results.is_dir() or (results.name == "predictions.json" and (folder / "run.json").is_file()):
        return _read_run(folder, images, category, pose_thr)
    return _read_data_set(results, images, category, pose_thr)


def _read_run(
    out: Path, images: str | None, category: str | None, pose_thr: float | None
) -> Labels:
    if not (out / "run.json").is_file():
        raise InputError(f"{out}/ holds no finished run of mpn annotate (no run.json)")
    record = read_json(out / "run.json", RunRecord[_Job], "what mpn annotate writes")
    data = read_json(out / "dataset.json", _Images, "a COCO data set")
    kinds = _joint_sets(out / "dataset.json", data.categories, category, None)
    if set(kinds) != {str(PERSON_ID)}:
        raise InputError(f"{out}/dataset.json: not what mpn annotate writes: other categories")
    (kind,) = kinds.values()
    recipe = record.job.recipe
    least = recipe.pose_thr if pose_thr is None else pose_thr
    poses: dict[Id, list[_Pose]] = {}
    predictions = out / "predictions.json"
    for row, pose in enumerate(
        read_json(predictions, list[_Pose], "a list of COCO keypoint results")
    ):
        if len(pose.keypoints) != 3 * len(kind.names):
            raise InputError(
                f"{predictions}: result {row} has {len(pose.keypoints) / 3:g} joints,"
                f" dataset.json names {len(kind.names)}"
            )
        if pose.score >= least:
            poses.setdefault(pose.image_id, []).append(pose)

    def people_of(image_id: Id) -> list[Labelled]:
        return [_found(pose, kind, recipe.kpt_thr) for pose in poses.get(image_id, ())]

    local = [one for one in record.picture_folders if not is_remote(one) and os.path.isabs(one)]
    finder = PictureFinder([os.path.abspath(images)] if images else local)
    return Labels(len(data.images), _pictures(data.images, people_of, finder), (kind,))


def _found(pose: _Pose, kind: JointSet, kpt_thr: float) -> Labelled:
    seen = zip(pose.joints(), pose.visibilities(kpt_thr), strict=True)
    joints = [Joint(x, y, v, confidence) for (x, y, confidence), v in seen]
    return Labelled(kind, joints, _box(pose.bbox), pose.score, pose.track_id)


def _read_data_set(
    file: Path, images: str | None, category: str | None, pose_thr: float | None
) -> Labels:
    content = read_content(file)
    if content.lstrip()[:1] == b"[":
        raise InputError(
            f"{file}: a list of results, which does not name their pictures; give the results"
            " folder, or a data set"
        )
    data = decode_json(content, _DataSet, f"{file}: not a COCO data set", str(file))
    if not data.images:
        raise InputError(f"{file}: its images list is empty")
    annotations = data.annotations or []
    joints = {str(one.category_id): len(one.keypoints) // 3 for one in annotations if one.keypoints}
    kinds = _joint_sets(file, data.categories, category, joints)
    numbers = numbered(one.id for one in data.images)
    people: dict[Id, list[_Person]] = {one.id: [] for one in data.images}
    by_number = {number: one for one, number in numbers.items()}
    if len(people) != len(data.images):
        raise InputError(f"{file}: two of its images have the same id")
    not_people: Counter[str] = Counter()
    for position, one in enumerate(annotations):
        place = f"{file}: annotation {position if one.id is None else one.id}"
        number = number_of(numbers, one.image_id)
        kind = kinds.get(str(one.category_id))
        if number is None:
            raise InputError(f"{place}: image id {one.image_id} is not among its images")
        if kind is None:
            not_people["other category"] += 1
        elif one.iscrowd:
            not_people["crowd"] += 1
        elif pose_thr is None or one.score is None or one.score >= pose_thr:
            _check(place, one, kind)
            people[by_number[number]].append(one)

    def people_of(image_id: Id) -> list[Labelled]:
        return [_labelled(one, kinds[str(one.category_id)]) for one in people[image_id]]

    finder = PictureFinder([os.path.abspath(images)]) if images else PictureFinder.beside(str(file))
    sets = tuple(dict.fromkeys(kinds.values()))
    texts = any(isinstance(one.id, str) for one in data.images)
    pictures = _pictures(data.images, people_of, finder)
    return Labels(len(data.images), pictures, sets, texts, not_people)


def _joint_sets(
    file: Path,
    categories: Sequence[_Category] | None,
    wanted: str | None,
    joints: dict[str, int] | None,
) -> dict[str, JointSet]:
    """The joint sets of a file's categories by category id, as a text.

    joints: how many joints the annotations of each category have. Raises InputError where no
    category has joints, or the wanted one has none.
    """
    counts = joints or {}
    known = list(categories or [_Category(one, PERSON) for one in counts])
    if wanted is not None:
        chosen = find_category(known, wanted)
        if not chosen:
            raise InputError(
                f"{file}: no category is called {wanted}; there are: {list_categories(known)}"
            )
        known = [one for one in known if one.id in chosen]
    found: dict[str, JointSet] = {}
    for one in known:
        count = len(one.joints) or counts.get(str(one.id), 0)
        if count:
            names = one.joints or _usual_names(count)
            name = str(one.id if one.name is None else one.name)
            found[str(one.id)] = JointSet(name, _distinct(names), _limbs(one.skeleton, count))
    if not found:
        raise InputError(
            f"{file}: no category with keypoints{f' is called {wanted}' if wanted else ''}"
        )
    return found


def _usual_names(count: int) -> tuple[str, ...]:
    """Names of joints that a file does not name."""
    if count in SKELETONS:
        return SKELETONS[count].keypoints
    return tuple(f"joint_{number}" for number in range(1, count + 1))


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names of which no two are the same or empty: formats address joints by them."""
    found: list[str] = []
    for number, name in enumerate(names, 1):
        plain = name.strip() or f"joint_{number}"
        found.append(plain if plain not in found else f"{plain}_{number}")
    return tuple(found)


def _limbs(skeleton: Any, count: int) -> tuple[tuple[int, int], ...]:
    """A category's skeleton, counted from 0, without what is none."""
    pairs = skeleton if isinstance(skeleton, list) else []
    return tuple(
        (pair[0] - 1, pair[1] - 1)
        for pair in pairs
        if isinstance(pair, list)
        and len(pair) == 2
        and all(isinstance(end, int) and 1 <= end <= count for end in pair)
    )


def _check(place: str, one: _Person, kind: JointSet) -> None:
    """Raise InputError for a person with another number of joints than its category has."""
    count = len(kind.names)
    if one.keypoints and len(one.keypoints) != 3 * count:
        raise InputError(
            f"{place} has {len(one.keypoints) / 3:g} joints, its category {kind.category} has"
            f" {count}"
        )
    if one.keypoint_confidences and len(one.keypoint_confidences) != count:
        raise InputError(
            f"{place} has {len(one.keypoint_confidences)} keypoint_confidences for {count} joints"
        )


def _labelled(one: _Person, kind: JointSet) -> Labelled:
    flat = one.keypoints or [0.0] * (3 * len(kind.names))
    sure: Sequence[float | None] = one.keypoint_confidences or [None] * len(kind.names)
    joints = [
        Joint(x, y, 2 if v >= 2 else int(v > 0), confidence)
        for x, y, v, confidence in zip(flat[::3], flat[1::3], flat[2::3], sure, strict=True)
    ]
    return Labelled(kind, joints, _box(one.bbox), one.score, one.track_id)


def _box(bbox: Sequence[float] | None) -> tuple[float, float, float, float] | None:
    """A box that has a size; None for another one, as some tools write for people without."""
    if bbox is None or len(bbox) != 4 or bbox[2] <= 0 or bbox[3] <= 0:
        return None
    return bbox[0], bbox[1], bbox[2], bbox[3]


def _pictures(
    images: Sequence[_Image], people_of: Callable[[Id], list[Labelled]], finder: PictureFinder
) -> Iterator[LabelledPicture]:
    for one in images:
        name = one.name or str(one.id)
        found = finder.find(name)
        size = one.size
        yield LabelledPicture(
            one.id,
            name,
            None if size is None else (round(size[0]), round(size[1])),
            None if found is None else found[0],
            inside(name if found is None else found[1]),
            people_of(one.id),
            one.frame_id,
        )


def inside(name: str) -> str:
    """A name as a relative path that stays inside of the folder it is put into."""
    whole = name.replace("\0", "_")
    parts = whole.split("/") if "/" in whole else whole.replace("\\", "/").split("/")
    kept = [part for part in parts if part not in ("", ".", "..") and not _DRIVE.match(part)]
    return "/".join(kept) or "picture"
