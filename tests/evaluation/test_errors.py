"""Planted mistakes are found again, each as what it is."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mpn_cli.base.skeletons import COCO
from mpn_cli.evaluation.breakdown import break_down, overlapping
from mpn_cli.evaluation.errors import KINDS, UNLABELLED, Errors, Kind, find_errors
from mpn_cli.evaluation.ground_truth import GroundTruth, read_ground_truth
from mpn_cli.evaluation.measuring import measure
from mpn_cli.evaluation.results import Results, read_results

PICTURES = 60


def people_apart() -> dict[str, Any]:
    """Two people a picture, joints on a wide grid: no joint is near another's place."""
    rng = np.random.default_rng(1)
    annotations: list[dict[str, Any]] = []
    for picture in range(1, PICTURES + 1):
        for side in (0, 1):
            grid = np.array([(x, y) for y in range(6) for x in range(3)][:17], dtype=float)
            places = grid * 60 + rng.uniform(-6, 6, (17, 2)) + (side * 300, 0)
            pose = np.column_stack([places, np.full(17, 2)])
            annotations.append({
                "id": len(annotations) + 1, "image_id": picture, "category_id": 1, "iscrowd": 0,
                "bbox": [side * 300, 0, 150, 330], "area": 9000.0, "num_keypoints": 17,
                "keypoints": pose.ravel().tolist(),
            })  # fmt: skip
    images = [
        {"id": n, "width": 640, "height": 480, "file_name": f"{n}.jpg"}
        for n in range(1, PICTURES + 1)
    ]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1}]}


def distance_of(term: float, joint: int) -> float:
    """Pixels at which a joint's OKS term has a value, for these people's area."""
    return float(np.sqrt(-2 * np.log(term) * 9000) * 2 * COCO.sigmas[joint])


def planted(truth: dict[str, Any], kind: Kind) -> tuple[list[dict[str, Any]], set[tuple[int, int]]]:
    """Results with one kind of mistake in a third of the joints, and where: (person, joint)."""
    rng = np.random.default_rng(2)
    poses = [np.array(one["keypoints"]).reshape(17, 3) for one in truth["annotations"]]
    mirrored = COCO.flip_permutation
    results, where = [], set()
    for number, own in enumerate(poses):
        other = poses[number ^ 1]
        pose = own.copy()
        for joint in rng.permutation(17)[:6]:
            if kind is Kind.INVERSION and mirrored[joint] == joint:
                continue
            angle = rng.uniform(0, 2 * np.pi)
            way = np.array([np.cos(angle), np.sin(angle)])
            if kind is Kind.JITTER:
                pose[joint, :2] += way * distance_of(rng.uniform(0.52, 0.83), joint)
            elif kind is Kind.INVERSION:
                pose[joint, :2] = own[mirrored[joint], :2]
            elif kind is Kind.SWAP:
                pose[joint, :2] = other[joint, :2]
            elif kind is Kind.MISS:
                pose[joint, :2] += way * 900
            where.add((number, int(joint)))
        results.append({
            "image_id": truth["annotations"][number]["image_id"], "category_id": 1,
            "keypoints": pose.ravel().tolist(), "score": float(rng.random()),
        })  # fmt: skip
    return results, where


def read(folder: Path, truth: dict[str, Any], results: list[Any]) -> tuple[GroundTruth, Results]:
    (folder / "truth.json").write_text(json.dumps(truth))
    (folder / "results.json").write_text(json.dumps(results))
    labelled = read_ground_truth(folder / "truth.json")
    return labelled, read_results(folder / "results.json", labelled)


def found_in(folder: Path, truth: dict[str, Any], results: list[Any]) -> Errors:
    labelled, found = read(folder, truth, results)
    return find_errors(labelled, found, measure(labelled, found))


@pytest.mark.parametrize("kind", [Kind.JITTER, Kind.INVERSION, Kind.SWAP, Kind.MISS])
def test_each_kind_is_found_again(tmp_path: Path, kind: Kind) -> None:
    truth = people_apart()
    results, where = planted(truth, kind)
    errors = found_in(tmp_path, truth, results)
    said = {
        (person, joint): KINDS[of]
        for person, joints in zip(errors.pairs[:, 0].tolist(), errors.kinds.tolist(), strict=True)
        for joint, of in enumerate(joints)
        if of != UNLABELLED
    }
    assert len(said) == 2 * PICTURES * 17
    assert sum(said[place] is kind for place in where) >= 0.95 * len(where)
    others = [of for place, of in said.items() if place not in where]
    assert all(of is Kind.GOOD for of in others)
    assert errors.count(kind) == sum(of is kind for of in said.values())
    # Mending this kind makes the results perfect; mending another changes nothing.
    assert errors.mended[kind] > 0.99 > errors.ap
    for other in set(Kind) - {kind, Kind.GOOD}:
        assert errors.mended[other] == pytest.approx(errors.ap, abs=0.02)


def test_results_of_nobody_and_people_without(tmp_path: Path) -> None:
    truth = people_apart()
    results, _ = planted(truth, Kind.GOOD)
    away = [
        {**one, "keypoints": (np.array(one["keypoints"]) + 5000).tolist(), "score": 2.0}
        for one in results[:10]
    ]
    again = [{**one, "score": one["score"] / 9} for one in results[20:25]]
    errors = found_in(tmp_path, truth, results[6:] + away + again)
    assert len(errors.missed) == 6
    assert len(errors.background) == 10
    assert len(errors.doubled) == 5
    assert errors.mended["background"] > errors.ap
    assert errors.mended["missed people"] > errors.ap
    assert errors.mended["scores"] > errors.ap
    assert [one.name for one in errors.pictures[:3]] == ["1.jpg", "2.jpg", "3.jpg"]
    assert errors.pictures[0].missed == 2
    assert errors.pictures[0].commonest == "missed people"


def test_no_results_at_all(tmp_path: Path) -> None:
    errors = found_in(tmp_path, people_apart(), [])
    assert len(errors.missed) == 2 * PICTURES
    assert errors.ap == 0


def test_breakdown_by_joint_size_and_crowding(tmp_path: Path) -> None:
    truth = people_apart()
    for one in truth["annotations"][:40]:  # 20 pictures: the same box for both people
        one["bbox"] = [0, 0, 450, 330]
    for one in truth["annotations"][100:]:
        one["area"] = 4000.0
    results, _ = planted(truth, Kind.GOOD)
    for one in results[::2]:  # of every second person the nose is elsewhere
        one["keypoints"][:2] = [3000, 3000]
    labelled, found = read(tmp_path, truth, results[:-12])  # six pictures without any result
    assert overlapping(labelled).tolist() == [1] * 40 + [0] * 80
    parts = break_down(labelled, found, measure(labelled, found))
    by_name = {joint.name: joint for joint in parts.joints}
    assert by_name["nose"].labelled == 120
    assert by_name["nose"].found == pytest.approx(54 / 120)
    assert by_name["left_hip"].found == pytest.approx(108 / 120)
    assert by_name["left_hip"].similarity == pytest.approx(1)
    medium, large, huge = parts.sizes
    assert (medium.people, large.people, huge.people) == (120, 0, 0)
    assert large.ar == -1
    alone, some, many = parts.crowding
    assert (alone.people, some.people, many.people) == (80, 40, 0)
    # OKS 16/17 = 0.941 without the nose: nine of ten thresholds, unless the person has no result.
    assert some.ar == pytest.approx(0.95)
    assert alone.ar == pytest.approx(0.95 * 68 / 80)
    assert some.ap > alone.ap
