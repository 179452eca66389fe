"""Does suppression help, and with what settings? AP of pose candidates over a grid of them.

Candidates: COCO keypoint results of ``mpn annotate --nms none --score paper --joint-confidence
network`` at a loose ``--box-nms-thr``. Their scores are taken apart into box score and joints'
confidences (eq. 6), so that ``--kpt-thr`` can be varied too.

    mpn annotate images/ --detector onnx:yolox.onnx --nms none --box-nms-thr 0.85 \
        --score paper --joint-confidence network -o loose
    python benchmarks/sweep_nms.py loose/predictions.json --gt person_keypoints.json
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
from mpn_nms.contract import NmsConfig
from mpn_nms.registry import find_backend, suppress
from shared_data import needed

from mpn_cli.cli.console import make_table, stdout
from mpn_cli.evaluation.coco import keypoint_numbers, load_truth
from mpn_cli.networks.scoring import paper_score
from mpn_cli.nms_bench.candidates import Candidates, load_candidates

FOUND_WITH_KPT_THR = 0.1
KPT_THRS = (0.0, 0.1, 0.2, 0.3)
VISIBLE = (None, 0.2)
GRID: dict[str, tuple[str, tuple[float, ...]]] = {
    "none": ("thr", (0.9,)),
    "hard": ("thr", (0.5, 0.6, 0.7, 0.8, 0.9)),
    "soft": ("thr", (0.3, 0.5, 0.7, 0.9)),
    "soft-linear": ("thr", (0.3, 0.5, 0.7)),
    "matrix": ("thr", (0.9,)),
    "matrix-gaussian": ("sigma", (0.1, 0.25, 0.5, 1.0)),
}
"""By method: which setting is varied."""


def rescored(candidates: Candidates, kpt_thr: float) -> Candidates:
    """The candidates as if they had been scored with another ``--kpt-thr``."""
    batch = candidates.batch
    ones = np.ones(len(batch.scores))
    before = paper_score(ones, batch.confidences, FOUND_WITH_KPT_THR)
    boxes = np.divide(batch.scores, before, out=np.zeros_like(ones), where=before > 0)
    scores = paper_score(boxes, batch.confidences, kpt_thr)
    return dataclasses.replace(candidates, batch=dataclasses.replace(batch, scores=scores))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("candidates", type=Path)
    parser.add_argument("--gt", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    labels = json.loads(needed(options.gt).read_text())
    loaded = load_candidates(needed(options.candidates))
    # Pictures that were not looked at must not count as missed.
    seen = set(loaded.picture_ids.tolist())
    content = {
        "images": [one for one in labels["images"] if one["id"] in seen],
        "annotations": [a for a in labels["annotations"] if a["image_id"] in seen],
        "categories": labels["categories"],
    }
    truth = load_truth(content)
    rows = []
    for kpt_thr, visible in itertools.product(KPT_THRS, VISIBLE):
        candidates = rescored(loaded, kpt_thr)
        for method, (setting, values) in GRID.items():
            for value in values:
                varied: dict[str, Any] = {setting: value}
                config = NmsConfig(method=method, oks_vis_thr=visible, **varied)
                backend = find_backend("none" if method == "none" else "numba")
                kept = suppress(backend, candidates.batch, config)
                numbers = keypoint_numbers(truth, candidates.results(kept))
                rows.append((numbers["AP"], method, setting, value, kpt_thr, visible))
    rows.sort(key=lambda row: -row[0])
    table = make_table(
        f"{len(loaded.batch.scores)} poses in {len(seen)} pictures",
        ("method", "setting", "kpt-thr", "oks-vis-thr", "AP"),
    )
    best_of = {method: [row for row in rows if row[1] == method] for method in GRID}
    for method, own in best_of.items():
        usual = [row for row in own if row[4] == FOUND_WITH_KPT_THR and row[5] is None]
        for row in own[:3] + usual:
            vis = "all joints" if row[5] is None else f"{row[5]:g}"
            table.add_row(method, f"{row[2]} {row[3]:g}", f"{row[4]:g}", vis, f"{row[0]:.4f}")
        table.add_section()
    stdout.print(table)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
