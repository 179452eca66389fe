"""People found without boxes, by the built-in detector and by others."""

import json
from pathlib import Path
from typing import Any

import pytest
from mpn_models.registry import PERSON_DETECTOR

from tests.acceptance.conftest import Mpn
from tests.conftest import ROOT, SHARED_DATA, install_plugin, make_picture
from tests.onnx_networks import SAID, heatmap_network, simcc_network

EXAMPLES = ROOT / "examples"


def iou(first: list[float], second: list[float]) -> float:
    wide = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    high = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    overlap = max(0.0, wide) * max(0.0, high)
    return overlap / (first[2] * first[3] + second[2] * second[3] - overlap)


def recall(dataset: Path, truth: Path, smallest: float = 64) -> float:
    """Of labelled people at least so high: those with a result whose box has IoU 0.5."""
    found, wanted = (json.loads(file.read_text()) for file in (dataset, truth))
    people = wanted if isinstance(wanted, list) else wanted["annotations"]
    boxes: dict[int, list[list[float]]] = {}
    for one in found["annotations"]:
        boxes.setdefault(one["image_id"], []).append(one["bbox"])
    hits = [
        any(iou(box, one["bbox"]) >= 0.5 for box in boxes.get(one["image_id"], []))
        for one in people
        if not one.get("iscrowd") and one["bbox"][3] >= smallest
    ]
    return sum(hits) / len(hits)


def test_people_in_ordinary_photos_are_found(mpn: Mpn, tmp_path: Path) -> None:
    done = mpn("annotate", EXAMPLES, "-o", "out", "--no-flip", MPN_DETECTOR="person")
    assert done.returncode == 0, done.stderr
    assert recall(tmp_path / "out/dataset.json", EXAMPLES / "people.json") > 0.8
    run = json.loads((tmp_path / "out/run.json").read_text())
    assert run["counts"]["full_image"] == 0
    assert run["seconds"]["detect"] > 0


@pytest.mark.slow
def test_recall_on_coco_dev(mpn: Mpn, tmp_path: Path, coco_dev: Path) -> None:
    done = mpn("annotate", coco_dev / "images", "-o", "out", "--no-flip", "--pose-thr", 0,
               MPN_DETECTOR="person")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert recall(tmp_path / "out/dataset.json", coco_dev / "person_keypoints.json") >= 0.8


def test_unlikely_poses_are_kept_from_what_people_look_at(mpn: Mpn, tmp_path: Path) -> None:
    def annotate(*options: object) -> tuple[list[float], list[float], dict[str, Any]]:
        done = mpn("annotate", *options, "-o", "out", "--no-flip", "--no-resume", "--json",
                   MPN_DETECTOR="person")  # fmt: skip
        assert done.returncode == 0, done.stderr
        predictions = json.loads((tmp_path / "out/predictions.json").read_text())
        dataset = json.loads((tmp_path / "out/dataset.json").read_text())
        return (
            sorted(one["score"] for one in predictions),
            sorted(one["score"] for one in dataset["annotations"]),
            json.loads(done.stdout),
        )

    every, shown, _ = annotate(EXAMPLES, "--pose-thr", 0)
    assert shown == every
    between = (every[0] + every[-1]) / 2
    every, shown, run = annotate(EXAMPLES, "--pose-thr", between)
    assert shown == [score for score in every if score >= between]
    assert 0 < len(shown) < len(every)
    assert run["counts"]["kept_out"] == len(every) - len(shown)
    assert run["counts"]["people"] == len(every)
    # As in a browser: what the report shows is what the data set holds.
    page = mpn("report", "out")
    assert page.returncode == 0, page.stderr
    data = (tmp_path / "out/report.html").read_text()
    assert data.count('"s":') == len(shown)
    # A data set's own people are all meant, unless the user says otherwise.
    (tmp_path / "labels.json").write_text((tmp_path / "out/dataset.json").read_text())
    own = ("labels.json", "--images", EXAMPLES)
    every, shown, run = annotate(*own)
    assert shown == every
    assert run["counts"]["kept_out"] == 0
    every, shown, _ = annotate(*own, "--pose-thr", (every[0] + every[-1]) / 2)
    assert 0 < len(shown) < len(every)


def test_a_larger_detector_input_finds_other_boxes(mpn: Mpn, tmp_path: Path) -> None:
    found = []
    for size in (416, 640):
        done = mpn("annotate", EXAMPLES, "-o", f"out{size}", "--no-flip", "--detector-size", size,
                   "--limit", 2, MPN_DETECTOR="person")  # fmt: skip
        assert done.returncode == 0, done.stderr
        found.append((tmp_path / f"out{size}/predictions.json").read_bytes())
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("size", "detector", "message"),
    [
        (400, "person", "--detector-size: Input should be a multiple of 32"),
        (416, "full-image", "--detector-size is not for --detector full-image"),
    ],
)
def test_detector_sizes_that_cannot_be(mpn: Mpn, size: int, detector: str, message: str) -> None:
    done = mpn("annotate", EXAMPLES, "--detector-size", size, MPN_DETECTOR=detector)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_box_options_and_their_counts(mpn: Mpn, tmp_path: Path) -> None:
    picture = make_picture(tmp_path / "photos/1.png", 200, 200)
    boxes = [
        ([10, 10, 100, 100], 0.9), ([12, 10, 100, 100], 0.8), ([90, 90, 80, 80], 0.7),
        ([20, 20, 30, 30], 0.02), ([5, 5, 20, 40], 0.3),
    ]  # fmt: skip
    detections = [{"image_id": 1, "category_id": 1, "bbox": b, "score": s} for b, s in boxes]
    (tmp_path / "boxes.json").write_text(json.dumps(detections))
    command = ("annotate", picture.parent, "--boxes", "boxes.json", "--nms", "none")

    def kept(*options: object) -> tuple[int, dict[str, int]]:
        done = mpn(*command, "-o", "out", "--no-resume", "--json", *options)
        assert done.returncode == 0, done.stderr
        counts = json.loads(done.stdout)["counts"]
        return counts["people"], counts["boxes_left_out"]

    assert kept() == (5, {})  # boxes that a user brings are all meant
    assert kept("--bbox-thr", 0.05) == (4, {"low score": 1})
    assert kept("--box-nms-thr", 0.65) == (4, {"overlapping a better one": 1})
    assert kept("--max-boxes", 2, "--box-nms-thr", 0.65) == (
        2, {"overlapping a better one": 1, "over the limit": 2},
    )  # fmt: skip


def test_other_peoples_networks_end_to_end(mpn: Mpn, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for number in range(5):
        make_picture(photos / f"{number}.png", 192, 256, seed=number)
    for network in (simcc_network(tmp_path / "simcc.onnx"), heatmap_network(tmp_path / "h.onnx")):
        results = []
        for workers in (1, 2):
            out = tmp_path / f"{network.stem}-{workers}"
            done = mpn("annotate", photos, "--model", f"onnx:{network}{SAID}", "-o", out,
                       "--workers", workers, "--shard-size", 2)  # fmt: skip
            assert done.returncode == 0, done.stderr
            results.append((out / "predictions.json").read_bytes())
        assert results[0] == results[1]
        assert len(json.loads(results[0])) == 5
        run = json.loads((out / "run.json").read_text())
        assert run["options"]["model"]["value"].startswith("onnx:")


def test_a_detector_from_an_onnx_file(mpn: Mpn, tmp_path: Path) -> None:
    file = SHARED_DATA / "peers" / "yolox_nano_416.onnx"
    if not file.is_file():
        pytest.skip(f"needs {file}")
    done = mpn("annotate", EXAMPLES, "-o", "out", "--no-flip", "--detector", f"onnx:{file}")
    assert done.returncode == 0, done.stderr
    assert recall(tmp_path / "out/dataset.json", EXAMPLES / "people.json") > 0.8


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--detector", "onnx:none.onnx", "--detector onnx:none.onnx: no such file"),
        ("--model", "onnx:none.onnx", "--model onnx:none.onnx: no such file"),
        ("--model", "nothing", "--model nothing: neither a weights file, onnx:FILE, nor one of"),
        ("--model", PERSON_DETECTOR.weights, "weights of nanodet-g-person, which is no pose net"),
    ],
)
def test_networks_that_are_not_there(mpn: Mpn, option: str, value: str, message: str) -> None:
    done = mpn("annotate", EXAMPLES, option, value, MPN_DETECTOR="person")
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_damaged_detector_is_said_in_one_line(mpn: Mpn, tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    done = mpn("annotate", EXAMPLES, "--detector", "onnx:bad.onnx")
    assert done.returncode == 2
    assert "onnx:bad.onnx: not a network that can be run" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "mpn-out" / "predictions.json").exists()


def test_the_detector_of_the_page_works(mpn: Mpn, tmp_path: Path, fresh_weights: Path) -> None:
    page = (ROOT / "docs" / "detectors-and-networks.md").read_text()
    code = page.split("```python\n")[1].split("```")[0]
    site = tmp_path / "site"
    install_plugin(site, "documented", "mpn.detectors", "halves = mine:Halves", "mine", code)
    make_picture(tmp_path / "photos/1.png")
    done = mpn("annotate", "photos", "--detector", "halves", "--nms", "none", "--json",
               "--model", fresh_weights, PYTHONPATH=str(site))  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["people"] == 2


NETWORK = """
import numpy as np
from mpn_cli.networks.contract import Conventions

class Centre:
    '''All joints in the middle of the crop.'''
    joints = 17
    input_size = (48, 64)
    conventions = Conventions()

    def __init__(self, threads):
        pass

    def heatmaps(self, crops):
        heatmaps = np.zeros((len(crops), 17, 17, 13), dtype=np.float32)
        heatmaps[:, :, 8, 6] = 0.8
        return heatmaps

class Odd:
    joints = 3
"""


def test_a_pose_network_from_a_plugin(mpn: Mpn, tmp_path: Path) -> None:
    site = tmp_path / "site"
    install_plugin(
        site, "networks", "mpn.models", "centre = net:Centre\nodd = net:Odd", "net", NETWORK
    )
    make_picture(tmp_path / "photos/1.png", 101, 81)
    done = mpn("annotate", "photos", "--model", "centre", "-o", "out", PYTHONPATH=str(site))
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out/predictions.json").read_text())[0]["keypoints"]
    assert found == [50.5, 40.5, 0.8] * 17
    done = mpn("annotate", "photos", "--model", "odd", PYTHONPATH=str(site))
    assert done.returncode == 2
    assert "networks:odd has joints 3" in done.stderr
    done = mpn(
        "annotate", "photos", "--model", "centre", "--precision", "int8", PYTHONPATH=str(site)
    )
    assert done.returncode == 2
