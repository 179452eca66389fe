"""Choose ``--bbox-thr``, ``--box-nms-thr`` and ``--pose-thr`` on held-out pictures.

A tenth of a training set's pictures is held out of training (by a hash of their names); those
whose labels are complete are used here. The detector runs once; poses are found once, in every
box that some setting keeps; then each setting is judged on its own boxes and poses. Scores come
from the pipeline as it is, so that the sweep stays right when the way they are computed changes.

    python benchmarks/sweep_detector.py ../shared/data/coco_train [--json FILE]
"""

from __future__ import annotations

import argparse
import itertools
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mpn_nms.contract import NmsConfig, PoseBatch
from mpn_nms.registry import find_backend, suppress
from shared_data import needed

from mpn_cli.base.arrays import Float64Array, IntArray
from mpn_cli.base.recipe import BoxChoice
from mpn_cli.cli.console import make_table, stdout
from mpn_cli.evaluation.coco import (
    BOXES,
    Truth,
    coco_stats,
    keypoint_evaluation,
    keypoint_numbers,
    load_truth,
)
from mpn_cli.geometry.boxes import box_iou, box_nms
from mpn_cli.nms_bench.candidates import Candidates
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.layers import resolve
from mpn_cli.options.recipes import make_recipe
from mpn_cli.pipeline.shard import annotate_shard
from mpn_cli.pipeline.tools import Tools
from mpn_cli.results.poses import AnnotatedPicture
from mpn_cli.sources.reading import read_picture
from mpn_cli.sources.tasks import Box, Task
from mpn_cli.training.data_sets import PictureFile, held_out

EVERY = 10
BBOX_THRS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)
BOX_NMS_THRS = (0.45, 0.55, 0.65, 0.75)
POSE_THRS = tuple(np.arange(0, 0.61, 0.025).round(3).tolist())
TOLERANCE = 0.003
"""AP that fewer boxes may cost."""
TALL = 64
"""Pixels: people from this height on count in the recall of boxes."""


@dataclass(frozen=True)
class Trial:
    """What one pair of box thresholds gives."""

    bbox_thr: float
    box_nms_thr: float
    boxes: float
    """Per picture."""
    recall: float
    """Of people at least ``TALL`` pixels high: a box with IoU 0.5."""
    ap: float
    """Of poses."""


@dataclass(frozen=True)
class Shown:
    """What one pose threshold lets people see."""

    pose_thr: float
    poses: int
    precision: float
    """Share of poses that belong to a labelled person (OKS 0.5)."""
    recall: float
    """Share of labelled people with such a pose."""
    f1: float


def held_out_labels(folder: Path) -> dict[str, Any]:
    """The completely labelled held-out pictures of a data set, as a COCO data set."""
    file = folder / "person_keypoints.json"
    labels = json.loads(file.read_text())
    rows = held_out(
        file, [PictureFile(Path(image["file_name"]), None) for image in labels["images"]], EVERY
    )
    images = [
        image
        for image, out in zip(labels["images"], rows, strict=True)
        if out and image.get("labels_complete", True)
    ]
    ids = {image["id"] for image in images}
    people = [one for one in labels["annotations"] if one["image_id"] in ids]
    return {**labels, "images": images, "annotations": people}


def chosen(boxes: Float64Array, choice: BoxChoice) -> IntArray:
    """Rows of a picture's boxes (N, 5) that a choice keeps."""
    rows = np.flatnonzero(boxes[:, 4] >= choice.bbox_thr)
    return rows[box_nms(boxes[rows, :4], boxes[rows, 4], choice.nms_thr)][: choice.limit]


class Sweep:
    """Boxes and poses of all pictures, found once."""

    def __init__(self, labels: dict[str, Any], folder: Path, choices: list[BoxChoice]) -> None:
        self.labels = labels
        self.truth: Truth = load_truth(labels)
        self.settings = AnnotateOptions()
        tools = Tools.load(make_recipe(resolve(AnnotateOptions, {"nms": "none"}), labelled=False))
        assert tools.detector is not None
        self.sigmas = np.array(tools.skeleton.sigmas)
        self.boxes: list[Float64Array] = []
        self.poses: list[AnnotatedPicture] = []
        self.rows: list[list[int]] = []
        """Of each pose's box, by picture."""
        for image in labels["images"]:
            path = str(folder / "images" / image["file_name"])
            (boxes,) = tools.detector([read_picture(path)])
            some = np.unique(np.concatenate([chosen(boxes, choice) for choice in choices]))
            given = tuple(Box(*row) for row in boxes[some].tolist())
            found = annotate_shard([Task(image["id"], path, image["file_name"], given)], tools)
            places = {tuple(boxes[row, :4].round(2)): int(row) for row in some}
            self.boxes.append(boxes)
            self.poses.append(found.pictures[0])
            self.rows.append([places[tuple(pose.bbox)] for pose in found.pictures[0].poses])

    def results(self, choice: BoxChoice) -> list[dict[str, Any]]:
        """COCO keypoint results as the command writes them with these box thresholds."""
        poses, offsets = [], [0]
        for boxes, picture, rows in zip(self.boxes, self.poses, self.rows, strict=True):
            kept = set(chosen(boxes, choice).tolist())
            poses += [p for p, row in zip(picture.poses, rows, strict=True) if row in kept]
            offsets.append(len(poses))
        flat = np.array([pose.keypoints for pose in poses]).reshape(len(poses), -1, 3)
        batch = PoseBatch(
            keypoints=flat[..., :2],
            confidences=flat[..., 2],
            scores=np.array([pose.score for pose in poses]),
            areas=np.array([pose.area for pose in poses]),
            offsets=np.array(offsets),
            sigmas=self.sigmas,
        )
        ids = np.array([picture.image_id for picture in self.poses])
        config = NmsConfig(method="hard", thr=self.settings.nms_thr)
        categories = np.ones(len(batch.scores), dtype=np.int64)
        left = suppress(find_backend("hard"), batch, config)
        return Candidates(batch, ids, categories).results(left)

    def trial(self, choice: BoxChoice) -> Trial:
        """Judge a pair of box thresholds."""
        boxes = [one[chosen(one, choice)] for one in self.boxes]
        return Trial(
            choice.bbox_thr,
            choice.nms_thr,
            sum(map(len, boxes)) / len(boxes),
            self._recall(boxes),
            keypoint_numbers(self.truth, self.results(choice))["AP"],
        )

    def _recall(self, found: list[Float64Array]) -> float:
        by_picture = {
            image["id"]: boxes for image, boxes in zip(self.labels["images"], found, strict=True)
        }
        people = [
            one for one in self.labels["annotations"]
            if not one["iscrowd"] and one["bbox"][3] >= TALL
        ]  # fmt: skip
        hits = [
            bool(
                (box_iou(np.array([one["bbox"]]), by_picture[one["image_id"]][:, :4]) >= 0.5).any()
            )
            for one in people
        ]
        return sum(hits) / len(hits)

    def box_ap(self) -> float:
        """COCO's AP of the person boxes, from the lowest score on."""
        results = [
            {"image_id": image["id"], "category_id": 1, "bbox": box[:4].tolist(), "score": box[4]}
            for image, boxes in zip(self.labels["images"], self.boxes, strict=True)
            for box in boxes[chosen(boxes, BoxChoice(0.0, self.settings.box_nms_thr))]
        ]
        return coco_stats(self.truth, results, BOXES)[0]

    def shown(self, choice: BoxChoice) -> list[Shown]:
        """Judge pose thresholds: COCO's matching at OKS 0.5, crowds and unlabelled people aside."""
        found = keypoint_evaluation(self.truth, self.results(choice))
        (group,) = found.matches.everywhere()  # its first threshold is OKS 0.5
        judged = ~group.result_ignored[0]
        right = judged & (group.partners[0] > 0)
        people = int((~group.person_ignored).sum())
        rows = []
        for thr in POSE_THRS:
            passing = group.scores >= thr
            poses, hits = int((judged & passing).sum()), int((right & passing).sum())
            rows.append(
                Shown(thr, poses, hits / max(poses, 1), hits / people, 2 * hits / (poses + people))
            )
        return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with person_keypoints.json and images/")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    for name in ("person_keypoints.json", "images"):
        needed(options.data / name)
    labels = held_out_labels(options.data)
    limit = AnnotateOptions().max_boxes
    choices = [
        BoxChoice(thr, nms, limit) for thr, nms in itertools.product(BBOX_THRS, BOX_NMS_THRS)
    ]
    cv2.setNumThreads(1)
    sweep = Sweep(labels, options.data, choices)
    trials = [sweep.trial(choice) for choice in choices]
    best = max(trial.ap for trial in trials)
    good = [trial for trial in trials if trial.ap >= best - TOLERANCE]
    taken = min(good, key=lambda trial: trial.boxes)
    table = make_table(
        f"{len(labels['images'])} pictures, box AP {sweep.box_ap():.3f}",
        ("bbox-thr", "box-nms-thr", "boxes per picture", f"recall >= {TALL} px", "pose AP"),
    )
    for trial in trials:
        table.add_row(
            f"{trial.bbox_thr:g}", f"{trial.box_nms_thr:g}", f"{trial.boxes:.1f}",
            f"{trial.recall:.3f}", f"{trial.ap:.4f}" + (" <" if trial is taken else ""),
        )  # fmt: skip
    stdout.print(table)
    shown = sweep.shown(BoxChoice(taken.bbox_thr, taken.box_nms_thr, limit))
    highest = max(shown, key=lambda one: one.f1)
    table = make_table(
        f"at --bbox-thr {taken.bbox_thr:g} --box-nms-thr {taken.box_nms_thr:g}",
        ("pose-thr", "poses", "precision", "recall", "F1"),
    )
    for one in shown:
        table.add_row(
            f"{one.pose_thr:g}", str(one.poses), f"{one.precision:.3f}", f"{one.recall:.3f}",
            f"{one.f1:.4f}" + (" <" if one is highest else ""),
        )  # fmt: skip
    stdout.print(table)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        content = {"trials": [asdict(t) for t in trials], "shown": [asdict(s) for s in shown]}
        options.json.write_text(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
