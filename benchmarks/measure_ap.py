"""COCO's ten keypoint numbers of a results file, by pycocotools.

mpn annotate ../shared/data/coco_dev/person_keypoints.json -o out
python benchmarks/measure_ap.py out/predictions.json ../shared/data/coco_dev/person_keypoints.json
"""

from __future__ import annotations

import argparse
import json

from mpn_cli.evaluation.coco import keypoint_numbers, load_truth


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results")
    parser.add_argument("truth")
    options = parser.parse_args()
    numbers = keypoint_numbers(load_truth(options.truth), options.results)
    print(json.dumps({name: round(value, 4) for name, value in numbers.items()}))


if __name__ == "__main__":
    main()
