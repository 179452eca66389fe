"""``mpn eval``: COCO's numbers of a results file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from mpn_cli import console
from mpn_cli.errors import InputError
from mpn_cli.evaluation.coco import keypoint_numbers, load_truth
from mpn_cli.evaluation.files import read_json


class _Result(msgspec.Struct):
    image_id: int
    keypoints: list[float]
    score: float


class _Image(msgspec.Struct):
    id: int


class _Truth(msgspec.Struct):
    images: list[_Image]
    annotations: list[dict[str, Any]]


def evaluate(results: Path, truth: Path, as_json: bool) -> None:
    """Run the command. Raises InputError for files that can't be evaluated."""
    labelled = read_json(truth, _Truth, "a COCO data set")
    found = read_json(results, list[_Result], "a list of COCO keypoint results")
    if not any("keypoints" in annotation for annotation in labelled.annotations):
        raise InputError(f"{truth}: no annotation has keypoints")
    strangers = {one.image_id for one in found} - {image.id for image in labelled.images}
    if strangers:
        raise InputError(
            f"{results}: {len(strangers)} of its pictures are not in {truth}"
            f" (first: image id {min(strangers)})"
        )
    numbers = keypoint_numbers(load_truth(str(truth)), str(results) if found else [])
    if as_json:
        console.print_json({"results": str(results), **numbers})
        return
    table = console.make_table(f"{len(found)} poses in {results}", tuple(numbers), 0)
    table.add_row(*(f"{value:.3f}" for value in numbers.values()))
    console.stdout.print(table)
