"""Ground truths and results as tools export them: what pycocotools evaluates, mpn evaluates."""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mpn_cli.base.errors import InputError
from mpn_cli.evaluation.ground_truth import read_ground_truth
from mpn_cli.evaluation.intervals import resampled
from mpn_cli.evaluation.matches import NAMES
from mpn_cli.evaluation.measuring import ENGINES, OWN, measure
from mpn_cli.evaluation.results import read_results
from tests.evaluation.test_engines import random_files

Content = dict[str, Any]
Change = Callable[[Content, list[Content]], object]


def judged(truth: Path, results: Path) -> dict[str, float]:
    """The numbers of pycocotools itself, from the files as they are."""
    with contextlib.redirect_stdout(io.StringIO()):
        labels = COCO(str(truth))
        evaluation = COCOeval(labels, labels.loadRes(str(results)), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(NAMES, map(float, evaluation.stats), strict=True))


def ours(truth: Path, results: Path, engine: str, category: str | None = None) -> Any:
    """Numbers, what was said, the matches, and the numbers on pictures drawn again."""
    labelled = read_ground_truth(truth, category=category)
    found = read_results(results, labelled)
    evaluation = measure(labelled, found, engine).evaluation
    draws = resampled(evaluation.matches, len(labelled.images), 3)
    return evaluation.numbers, [*labelled.notes, *found.notes], evaluation.matches, draws


def every(name: str, /, **fields: Any) -> Change:
    return lambda truth, results: [one.update(fields) for one in truth[name]]


def each(name: str, change: Callable[[Content], object]) -> Change:
    return lambda truth, results: [change(one) for one in truth[name]]


def top(**fields: Any) -> Change:
    return lambda truth, results: truth.update(fields)


def of_results(change: Callable[[int, Content], object]) -> Change:
    return lambda truth, results: [change(n, one) for n, one in enumerate(results)]


def as_texts(truth: Content, results: list[Content]) -> None:
    for one in truth["images"]:
        one["id"] = f"p{one['id']:05d}"
    for one in (*truth["annotations"], *results):
        one["image_id"] = f"p{one['image_id']:05d}"


def below_zero(truth: Content, results: list[Content]) -> None:
    for one in truth["images"]:
        one["id"] -= 150
    for one in (*truth["annotations"], *results):
        one["image_id"] -= 150


def with_boxes_of_dogs(truth: Content, results: list[Content]) -> None:
    truth["categories"].append({"id": 7, "name": "dog"})
    truth["annotations"] += [
        {"id": 90_000, "image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4], "area": 12,
         "iscrowd": 0, "num_keypoints": 0},
    ]  # fmt: skip


SAME: dict[str, Change] = {
    "as COCO has it": lambda truth, results: None,
    "CVAT's year": top(info={"year": "", "version": ""}, licenses=[{"id": 0, "name": ""}]),
    "Roboflow's year": top(info={"year": "2024"}, licenses=[{"id": 1, "url": None}]),
    "no licences": top(licenses=None, info=None),
    "a licence's name": every("images", license="CC"),
    "no sizes": every("images", width=None, height=None),
    "sizes that are none": every("images", width="", height="unknown"),
    "dates as numbers": every("images", date_captured=20240101, coco_url=None),
    "no file names": every("images", file_name=None),
    "file names that are numbers": every("images", file_name=7),
    "an empty outline": every("annotations", segmentation={}),
    "an outline that is null": every("annotations", segmentation=None),
    "attributes": every("annotations", attributes={"occluded": False}, ignore=1),
    "ids below 0": each("annotations", lambda one: one.update(id=-one["id"])),
    "ids of a table": each(
        "annotations", lambda one: one.update(id=float(one["id"]), image_id=1.0 * one["image_id"])
    ),
    "crowds as bool": each("annotations", lambda one: one.update(iscrowd=one["iscrowd"] == 1)),
    "counts as 17.0": each(
        "annotations", lambda one: one.update(num_keypoints=float(one["num_keypoints"]))
    ),
    "no joints' names": every("categories", keypoints=None, skeleton=None, name=None),
    "NaN where nothing is needed": every("annotations", score=float("nan")),
    "picture ids that are texts": as_texts,
    "picture ids below 0": below_zero,
    "boxes of another category": with_boxes_of_dogs,
    "results' ids of a table": of_results(
        lambda n, one: one.update(image_id=1.0 * one["image_id"], category_id=1.0, id=1.0 * n)
    ),
    "results with outlines": of_results(
        lambda n, one: one.update(segmentation=[], iscrowd=False, bbox=[0, 0, 30, 30 + n])
    ),
    "results with null": of_results(lambda n, one: one.update(area=None, num_keypoints=None)),
    "results with text ids": of_results(lambda n, one: one.update(id=f"r{n}")),
    "only some results with boxes": of_results(
        lambda n, one: one.update(bbox=[0, 0, 5000, 5000]) if n % 3 == 1 else None
    ),
    "results with boxes": of_results(lambda n, one: one.update(bbox=[0, 0, 40, 40 + n])),
    "results of another category": of_results(
        lambda n, one: one.update(category_id=5 if n % 4 == 0 else 1)
    ),
}  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", SAME)
def test_the_numbers_are_those_of_pycocotools(tmp_path: Path, case: str, engine: str) -> None:
    truth, results = random_files(3, ties=True, crowds=0.2, unlabelled=True, most=8)
    SAME[case](truth, results)
    labels, found = tmp_path / "truth.json", tmp_path / "results.json"
    labels.write_text(json.dumps(truth))
    found.write_text(json.dumps(results))
    numbers, notes, matches, _ = ours(labels, found, engine)
    assert numbers == judged(labels, found)
    assert numbers["AP"] > 0.1
    assert notes == []
    # The sums behind intervals and differences are made of the same matches.
    everything = matches.numbers(np.ones((1, len(matches.pictures)), np.int64))[0]
    assert everything.tolist() == list(numbers.values())


def completed(truth: Content) -> Content:
    """What is missing, worked out from COCO's definitions."""
    for one in truth["annotations"]:
        one.setdefault("area", one["bbox"][2] * one["bbox"][3])
        one.setdefault("num_keypoints", sum(v > 0 for v in one["keypoints"][2::3]))
        one["iscrowd"] = one.get("iscrowd") or 0
        one.setdefault("category_id", 1)
        one["id"] = 1 + truth["annotations"].index(one)
    truth.setdefault("categories", [{"id": 1, "name": "person"}])
    return truth


def without(*fields: str) -> Change:
    return each("annotations", lambda one: [one.pop(name) for name in fields])


MENDED: dict[str, tuple[Change, str]] = {
    "Label Studio's: ids from 0, no area": (
        lambda truth, results: [
            (one.update(id=one["id"] - 1), one.pop("area"), one.pop("num_keypoints"))
            for one in truth["annotations"]
        ],
        "people have no area: OKS takes their boxes'",
    ),
    "no iscrowd, no category": (without("iscrowd", "category_id"), ""),
    "crowds as null": (
        each("annotations", lambda one: one.update(iscrowd=one["iscrowd"] or None)), "",
    ),
    "ids from 0": (
        each("annotations", lambda one: one.update(id=one["id"] - 1)),
        "annotation id 0: pycocotools takes it for unmatched",
    ),
    "no ids": (without("id"), ""),
    "all ids the same": (every("annotations", id=5), "1 annotation ids appear twice"),
    "no categories": (
        lambda truth, results: truth.pop("categories"), "names no categories: those of its",
    ),
    "ids as texts": (each("annotations", lambda one: one.update(id=f"a{one['id']}")), ""),
}  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", MENDED)
def test_what_is_missing_is_filled_in_and_said(tmp_path: Path, case: str, engine: str) -> None:
    truth, results = random_files(5, unlabelled=True)
    change, message = MENDED[case]
    change(truth, results)
    labels, found = tmp_path / "truth.json", tmp_path / "results.json"
    labels.write_text(json.dumps(truth))
    found.write_text(json.dumps(results))
    numbers, notes, _, draws = ours(labels, found, engine)
    assert any(message in line for line in notes) if message else notes == []
    labels.write_text(json.dumps(completed(truth)))
    assert numbers == judged(labels, found)
    assert (draws[:, 0] > 0.1).all()  # intervals see the same matches


def test_one_of_several_categories(tmp_path: Path) -> None:
    truth, results = random_files(1)
    labels, found, people = (tmp_path / name for name in ("two.json", "r.json", "people.json"))
    people.write_text(json.dumps(truth))
    truth["categories"].append({"id": 2, "name": "Dog", "keypoints": ["nose", "tail"]})
    dog = {"id": 9999, "image_id": 1, "category_id": 2, "keypoints": [1, 2, 2, 3, 4, 2],
           "num_keypoints": 2, "area": 9, "bbox": [1, 2, 3, 4], "iscrowd": 0}  # fmt: skip
    truth["annotations"].append(dog)
    labels.write_text(json.dumps(truth))
    found.write_text(json.dumps(results))
    with pytest.raises(InputError, match=r"different joints; there are: 1 person, 2 Dog. --categ"):
        ours(labels, found, OWN)
    expected = judged(people, found)
    for wanted in ("Person", "1"):
        assert ours(labels, found, OWN, wanted)[0] == expected
    with pytest.raises(InputError, match="--category cat is none of its; there are: 1 person, 2"):
        ours(labels, found, OWN, "cat")
    # Ultralytics counts categories from 0.
    found.write_text(json.dumps([{**one, "category_id": 0} for one in results]))
    assert ours(labels, found, OWN, "person")[0] == expected
    assert judged(people, found) == ours(people, found, OWN)[0]
    assert ours(people, found, OWN)[0]["AP"] == 0
    # Results of a category that the ground truth has are never taken for another's.
    found.write_text(json.dumps([{**one, "category_id": 2} for one in results]))
    assert ours(labels, found, OWN, "person")[0]["AP"] == 0
