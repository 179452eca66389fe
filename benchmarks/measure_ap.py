"""COCO's ten keypoint numbers of a results file, by pycocotools.

mpn annotate ../shared/data/coco_dev/person_keypoints.json -o out
python benchmarks/measure_ap.py out/predictions.json ../shared/data/coco_dev/person_keypoints.json
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json

from pycocotools import coco
from pycocotools.cocoeval import COCOeval

NAMES = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")


def measure(results: str, truth: str) -> dict[str, float]:
    """The ten numbers, by name."""
    with contextlib.redirect_stdout(io.StringIO()):
        labelled = coco.COCO(truth)
        evaluation = COCOeval(labelled, labelled.loadRes(results), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(NAMES, (round(float(value), 4) for value in evaluation.stats), strict=True))


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results")
    parser.add_argument("truth")
    options = parser.parse_args()
    print(json.dumps(measure(options.results, options.truth)))


if __name__ == "__main__":
    main()
