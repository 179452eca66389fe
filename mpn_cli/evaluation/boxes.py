"""COCO's AP of person boxes."""

from __future__ import annotations

from collections.abc import Sequence

from mpn_cli.arrays import BoolArray, Float64Array
from mpn_cli.evaluation.coco import BOXES, coco_stats, load_truth


def person_boxes_ap(
    people: Sequence[Float64Array], crowds: Sequence[BoolArray], found: Sequence[Float64Array]
) -> float:
    """AP at IoU 0.50:0.05:0.95 of boxes (N, 5) with score against people (M, 4), by picture.

    Boxes in crowds neither count nor are missed. Without a box at all it is 0.
    """
    labelled = [
        (picture, box, crowd)
        for picture, (boxes, of_crowd) in enumerate(zip(people, crowds, strict=True))
        for box, crowd in zip(boxes, of_crowd, strict=True)
    ]
    truth = load_truth({
        "images": [{"id": picture} for picture in range(len(people))],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [
            {"id": number, "image_id": picture, "category_id": 1, "bbox": box.tolist(),
             "area": float(box[2] * box[3]), "iscrowd": int(crowd)}
            for number, (picture, box, crowd) in enumerate(labelled, 1)
        ],
    })  # fmt: skip
    results = [
        {"image_id": picture, "category_id": 1, "bbox": box[:4].tolist(), "score": float(box[4])}
        for picture, boxes in enumerate(found)
        for box in boxes
    ]
    if not results:
        return 0.0
    return coco_stats(truth, results, BOXES)[0]
