"""The page: everything put into its template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mpn_cli.evaluation.breakdown import Breakdown, break_down
from mpn_cli.evaluation.coco import Evaluation
from mpn_cli.evaluation.errors import KINDS, Errors, Kind, find_errors
from mpn_cli.evaluation.ground_truth import GroundTruth, read_ground_truth
from mpn_cli.evaluation.health import odd_things
from mpn_cli.evaluation.intervals import RESAMPLES, intervals, resampled
from mpn_cli.evaluation.matches import NAMES, RECALLS
from mpn_cli.evaluation.measuring import measure
from mpn_cli.evaluation.reliability import Reliability, measure_reliability
from mpn_cli.evaluation.results import read_results
from mpn_cli.report.charts import Axis, histogram, lines_chart, reliability_chart
from mpn_cli.report.gallery import (
    Card,
    Shelves,
    make_cards,
    shelves_by_errors,
    shelves_by_score,
)
from mpn_cli.report.run import Run

GENERATOR = "mpn report"
"""Stands in every page: what tells it from other people's."""

SKIPPED_SHOWN = 200

_SHARES = (0, 0.2, 0.4, 0.6, 0.8, 1)
_HEIGHTS = (10, 30, 100, 300, 1000)


def make_page(
    run: Run, truth_file: Path | None, sigmas: str | None, most: int, category: str | None = None
) -> str:
    """The HTML of a run's page with about ``most`` pictures. Raises InputError."""
    truth = read_ground_truth(truth_file, sigmas, category) if truth_file else None
    quality: dict[str, Any] | None = None
    notes: dict[int, str] = {}
    if truth is None:
        shelves = shelves_by_score(run, most)
    else:
        quality, errors = _quality(run, truth)
        shelves = shelves_by_errors(errors, truth, run, most)
        for one in errors.pictures:
            missed = f", {one.missed} missed" if one.missed else ""
            notes[one.picture] = f"{one.people} labelled{missed}, mean OKS {one.oks:.2f}"
    cards = make_cards(run, shelves, notes, truth, most)
    environment = Environment(
        loader=PackageLoader("mpn_cli.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        generator=GENERATOR,
        title=f"Poses in {run.out}",
        summary=_summary(run),
        quality=quality,
        charts=_charts(run),
        shelves=[(name, len(ids)) for name, ids in shelves.items() if ids],
        cards=cards,
        data=_data(run, cards, shelves),
        options=run.record.options,
        versions=run.record.versions,
        skipped=run.skipped[:SKIPPED_SHOWN],
        skipped_more=max(0, len(run.skipped) - SKIPPED_SHOWN),
        gone=sum(not card.thumbnail for card in cards),
    )


def _summary(run: Run) -> list[tuple[str, str]]:
    counts, wall = run.record.counts, run.record.seconds["wall"]
    recipe = run.record.job.recipe
    rows = [
        ("pictures", f"{counts.pictures:,}"),
        ("people", f"{counts.people:,}"),
        ("skipped", f"{counts.skipped:,}"),
        ("seconds", f"{wall:,.1f}"),
        ("network", recipe.model),
        ("boxes from", recipe.detector or "the source"),
        ("NMS", recipe.nms),
        ("runtime", f"{recipe.runtime}, {recipe.precision}"),
    ]
    if counts.kept_out:
        rows.insert(2, ("kept out", f"{counts.kept_out:,} (score under {run.pose_thr:g})"))
    if wall:
        people = counts.people - counts.before_this_run.get("people", 0)
        rows.insert(-4, ("people per second", f"{people / wall:,.1f}"))
    return rows


def _quality(run: Run, truth: GroundTruth) -> tuple[dict[str, Any], Errors]:
    """All that a ground truth tells."""
    results = read_results(run.out / "predictions.json", truth)
    run.renumber(results.numbers)
    measured = measure(truth, results)
    evaluation = measured.evaluation
    spread: Sequence[Any] = [None] * len(NAMES)
    if evaluation.matches.groups:
        spread = intervals(resampled(evaluation.matches, len(truth.images), RESAMPLES))
    errors = find_errors(truth, results, measured)
    parts: Breakdown = break_down(truth, results, measured)
    judged = max(sum(errors.count(kind) for kind in KINDS), 1)
    believed = measure_reliability(truth, results, evaluation.matches, measured.nearest)
    return {
        "numbers": [
            (name, evaluation.numbers[name], one) for name, one in zip(NAMES, spread, strict=True)
        ],
        "odd": [*truth.notes, *results.notes, *odd_things(results.found(), truth.labelled())],
        "curves": _curves(evaluation),
        "believed": [
            _believed("Joints' confidences", believed.joints, "confidence", "right"),
            _believed("Poses' scores", believed.poses, "score", "OKS"),
        ],
        "joints": [asdict(one) for one in parts.joints],
        "groups": [asdict(one) for one in (*parts.sizes, *parts.crowding)],
        "kinds": [(kind.value, errors.count(kind), errors.count(kind) / judged) for kind in KINDS],
        "by_joint": [
            (name, [counts[kind] / max(sum(counts.values()), 1) for kind in KINDS])
            for name, counts in errors.by_joint.items()
        ],
        "ap": errors.ap,
        "mended": sorted(errors.mended.items(), key=lambda one: -one[1]),
        "counts": (len(errors.missed), len(errors.background), len(errors.doubled)),
        "kind_names": [kind.value for kind in Kind],
    }, errors


def _curves(evaluation: Evaluation) -> Markup | None:
    groups = list(evaluation.matches.everywhere())
    if not groups:
        return None
    thresholds = range(len(evaluation.matches.thresholds))
    every = np.mean([[group.curve(t) for t in thresholds] for group in groups], axis=0)
    curves = {"OKS 0.5": every[0], "OKS 0.75": every[5], "mean 0.5 to 0.95": every.mean(axis=0)}
    return lines_chart(
        curves, RECALLS, Axis("recall", 0, 1, _SHARES), Axis("precision", 0, 1, _SHARES)
    )


def _believed(name: str, of: Reliability, stated: str, true: str) -> tuple[str, Markup, float]:
    """A reliability curve with its title and its error."""
    across, up = Axis(stated, 0, 1, _SHARES), Axis(true, 0, 1, _SHARES)
    return name, reliability_chart(of, across, up, f"{name} against what is so"), of.error


def _charts(run: Run) -> list[tuple[str, Markup]]:
    """Histograms of what was found."""
    if not run.poses:
        return []
    people = Counter(pose.image_id for pose in run.shown)
    each = [people[picture.id] for picture in run.pictures]
    most = max(5, int(np.percentile(each, 99)))
    heights = [pose.bbox[3] for pose in run.shown]
    confidences = np.concatenate([pose.keypoints[2::3] for pose in run.poses])
    return [
        (
            "Scores of poses",
            histogram(
                [pose.score for pose in run.poses],
                Axis("score", 0, 1, _SHARES),
                40,
                "scores of poses",
            ),
        ),
        (
            "Confidences of joints",
            histogram(confidences, Axis("confidence", 0, 1, _SHARES), 40, "confidences of joints"),
        ),
        (
            "People per picture",
            histogram(
                each,
                Axis("people", 0, most + 1, range(0, most + 1, max(1, most // 5))),
                min(most + 1, 60),
                "people per picture",
            ),
        ),
        (
            "Height of people",
            histogram(
                heights,
                Axis("pixels", 10, 2000, _HEIGHTS, logarithmic=True),
                40,
                "height of people",
            ),
        ),
    ]


def _data(run: Run, cards: Sequence[Card], shelves: Shelves) -> dict[str, Any]:
    """What the page's script draws from."""
    skeleton = run.skeleton
    sides = [
        1 if name.startswith("left_") else 2 if name.startswith("right_") else 0
        for name in skeleton.keypoints
    ]
    return {
        "limbs": [list(limb) for limb in skeleton.limbs],
        "sides": sides,
        "kptThr": round(100 * run.record.job.recipe.kpt_thr),
        "shelves": {name: ids for name, ids in shelves.items() if ids},
        "cards": {
            card.picture.id: {
                "w": card.picture.width,
                "h": card.picture.height,
                "p": card.poses,
                "l": card.labels,
            }
            for card in cards
        },
    }
