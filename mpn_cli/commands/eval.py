"""``mpn eval``: COCO's numbers of a results file."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from mpn_cli import console
from mpn_cli.errors import InputError
from mpn_cli.evaluation.coco import Engine, keypoint_numbers, load_truth
from mpn_cli.evaluation.files import read_json
from mpn_cli.evaluation.health import Found, Labelled, odd_things
from mpn_cli.skeletons import COCO


class _Result(msgspec.Struct):
    image_id: int
    keypoints: list[float]
    score: float
    category_id: int = 1


class _Image(msgspec.Struct):
    id: int
    width: float | None = None
    height: float | None = None


class _Person(msgspec.Struct):
    image_id: int
    keypoints: list[float] = []
    area: float = 0.0
    iscrowd: int = 0


class _Category(msgspec.Struct):
    id: int


class _Truth(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Person]
    categories: list[_Category] = []


def evaluate(results: Path, truth: Path, engine: str, sigmas: str | None, as_json: bool) -> None:
    """Run the command. Raises InputError for files that can't be evaluated."""
    if engine not in list(Engine):
        raise InputError(f"--engine {engine}: not one of {', '.join(Engine)}")
    labelled = read_json(truth, _Truth, "a COCO data set")
    found = read_json(results, list[_Result], "a list of COCO keypoint results")
    if not any(one.keypoints for one in labelled.annotations):
        raise InputError(f"{truth}: no annotation has keypoints")
    joints = max(len(one.keypoints) for one in labelled.annotations) // 3
    for number, one in enumerate(found):
        if len(one.keypoints) != 3 * joints:
            raise InputError(
                f"{results}: result {number} has {len(one.keypoints) / 3:g} joints, the ground"
                f" truth {joints}"
            )
    own_sigmas = _sigmas(sigmas, joints)
    known = {image.id for image in labelled.images}
    if found and not any(one.image_id in known for one in found):
        raise InputError(
            f"{results}: none of its pictures is in {truth} (first: image id {found[0].image_id})"
        )
    odd = odd_things(_found(found, joints), _labelled(labelled, joints))
    content: str | list[dict[str, object]] = str(results) if found else []
    if any(one.image_id not in known for one in found):
        everything = msgspec.json.decode(results.read_bytes())
        content = [one for one in everything if one["image_id"] in known]
    numbers = keypoint_numbers(load_truth(str(truth), Engine(engine)), content, own_sigmas)
    if as_json:
        console.print_json({"results": str(results), **numbers, "odd": odd})
        return
    table = console.make_table(f"{len(found)} poses in {results}", tuple(numbers), 0)
    table.add_row(*(f"{value:.3f}" for value in numbers.values()))
    console.stdout.print(table)
    for line in odd:
        console.print_note(line)


def _sigmas(text: str | None, joints: int) -> list[float] | None:
    """OKS constants: the user's, or COCO's for its 17 joints. Raises InputError."""
    if text is None:
        if joints != COCO.joints:
            raise InputError(f"{joints} joints are not COCO's 17: give their --sigmas")
        return None
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != joints or min(values, default=0) <= 0:
        raise InputError(f"--sigmas {text}: {joints} numbers over 0, separated by commas")
    return values


def _found(results: list[_Result], joints: int) -> Found:
    flat = np.array([one.keypoints for one in results], dtype=np.float64)
    return Found(
        [one.image_id for one in results],
        [one.category_id for one in results],
        flat.reshape(-1, joints, 3)[..., :2],
        np.array([one.score for one in results]),
    )


def _labelled(truth: _Truth, joints: int) -> Labelled:
    people = [p for p in truth.annotations if any(p.keypoints[2::3]) and not p.iscrowd]
    flat = np.array([one.keypoints for one in people], dtype=np.float64)
    return Labelled(
        {
            image.id: (image.width, image.height) if image.width and image.height else None
            for image in truth.images
        },
        [category.id for category in truth.categories] or [1],
        [one.image_id for one in people],
        flat.reshape(-1, joints, 3),
        np.array([one.area for one in people]),
    )
