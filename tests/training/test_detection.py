"""What the detector is taught, and real, tiny runs of its training."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models.registry import MODELS
from models.weights import WeightsError, load_weights, save_weights
from mpn_cli.detectors.boxes import centre_boxes
from mpn_cli.training.data_sets import TrainingDataError
from mpn_cli.training.detection.losses import box_loss, centre_loss, detection_loss
from mpn_cli.training.detection.pictures import load_pictures, open_picture_cache
from mpn_cli.training.detection.samples import ViewMaker
from mpn_cli.training.detection.targets import centre_targets
from mpn_cli.training.loop import Trainer
from mpn_cli.training.recipe import Recipe, Stage
from tests.training.running import run_recipe

NOTHING = np.empty((0, 4))


def write_discs(folder: Path, pictures: int = 16, **changes: Any) -> Path:
    """Pictures with a white disc each, boxed as a person, on a grey ground."""
    rng = np.random.default_rng(1)
    images, annotations = [], []
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for i in range(1, pictures + 1):
        radius = int(rng.integers(14, 26))
        x, y = rng.integers(radius, 128 - radius), rng.integers(radius, 96 - radius)
        picture = np.full((96, 128, 3), 60, dtype=np.uint8)
        cv2.circle(picture, (int(x), int(y)), radius, (255, 255, 255), -1)
        cv2.imwrite(str(folder / f"images/{i}.png"), picture)
        images.append({"id": i, "file_name": f"{i}.png"} | changes)
        box = [int(x) - radius, int(y) - radius, 2 * radius, 2 * radius]
        annotations.append({"id": i, "image_id": i, "bbox": box, "iscrowd": 0})
    content = {"images": images, "annotations": annotations}
    (folder / "person_keypoints.json").write_text(json.dumps(content))
    return folder


def run(data: Path, out: Path, stop_after: int | None = None, **options: Any) -> Trainer:
    usual: dict[str, Any] = {"stages": (Stage((64, 64), 2),), "batch": 4, "warmup": 2}
    recipe = Recipe(
        data=(data,), mix=(1.0,), task="detect", model="person-detector", validate_every=4,
        **usual | options,
    )  # fmt: skip
    return run_recipe(recipe, out, stop_after)


def test_targets_lead_back_to_the_boxes() -> None:
    boxes = np.array([[10.0, 20, 60, 100], [90, 8, 30, 30]])
    targets = centre_targets(boxes, NOTHING, (20, 16), 8)
    output = np.concatenate([np.where(targets[:1] >= 1, 5.0, -5.0), targets[3:]])
    found, _ = centre_boxes(output.astype(np.float32), 8, 0.5, 10)
    np.testing.assert_allclose(sorted(found.tolist()), boxes, atol=1e-4)
    assert (targets[2] > 0).sum() > 2  # cells around the centres learn the box as well


def test_where_people_overlap_the_smaller_box_is_learned() -> None:
    large, small = [0.0, 0, 160, 128], [72, 56, 16, 16]
    targets = centre_targets(np.array([small, large]), NOTHING, (20, 16), 8)
    left, top, right, bottom = 8 * targets[3:, 8, 10]
    assert (left + right, top + bottom) == (16, 16)


def test_nothing_is_learned_in_ignored_boxes_but_people() -> None:
    crowd, person = np.array([[0.0, 0, 80, 128]]), np.array([[32.0, 32, 16, 16]])
    counts = centre_targets(person, crowd, (20, 16), 8)[1]
    assert counts[5, 5] == 1
    assert counts[:, :10].sum() == 1
    assert (counts[:, 10:] == 1).all()


def test_losses_are_least_for_what_is_wanted() -> None:
    targets = torch.from_numpy(
        centre_targets(np.array([[16.0, 16, 64, 80]]), NOTHING, (16, 16), 8)[None]
    )
    logits = torch.where(targets[:, :1] >= 1, 12.0, -12.0)
    reach = torch.where(targets[:, 3:].sum(1, keepdim=True) > 0, targets[:, 3:], 1.0)
    right = torch.cat([logits, reach], dim=1)
    assert detection_loss(right, targets) < 1e-3
    for wrong in (right * torch.tensor([1, 1.3, 1, 1, 1]).view(1, 5, 1, 1), right.roll(2, 3)):
        assert detection_loss(wrong, targets) > 0.2


def test_box_loss_is_one_minus_giou() -> None:
    # Around a cell at (10, 10): [8, 8, 12, 12] and [6, 9, 11, 14].
    reach = torch.tensor([2.0, 2, 2, 2]).view(1, 4, 1, 1)
    wanted = torch.tensor([4.0, 1, 1, 4]).view(1, 4, 1, 1)
    overlap, union, hull = 3 * 3, 16 + 25 - 9, 6 * 6
    expected = 1 - (overlap / union - (hull - union) / hull)
    weight = torch.tensor([[[7.0]]])
    assert box_loss(reach, wanted, weight).item() == pytest.approx(expected)


def test_a_confident_mistake_costs_more() -> None:
    wanted, counts = torch.zeros(1, 1, 4), torch.ones(1, 1, 4)
    wanted[..., 0] = 1
    calm, wild = torch.tensor([[[3.0, -3, -3, -3]]]), torch.tensor([[[3.0, -3, -3, 3]]])
    assert centre_loss(wild, wanted, counts) > 5 * centre_loss(calm, wanted, counts)
    counts[..., 3] = 0
    assert centre_loss(wild, wanted, counts) == centre_loss(calm, wanted, counts)


def test_views_keep_boxes_on_their_people(tmp_path: Path) -> None:
    cache = open_picture_cache(load_pictures(write_discs(tmp_path)), 96, tmp_path / "cache")
    maker = ViewMaker(cache, (96, 96), batch=4, seed=0)
    checked = 0
    for step in range(6):
        batch = maker.make(step, maker.rows_of_step(step))
        for pixels, targets in zip(batch.pictures, batch.targets, strict=True):
            for row, column in np.argwhere(targets[0] >= 1):
                left, top, right, bottom = 8 * targets[3:, row, column]
                x, y = 8 * (column + 0.5) + (right - left) / 2, 8 * (row + 0.5) + (bottom - top) / 2
                if 0.9 < (left + right) / (top + bottom) < 1.1 and left + right > 12:
                    brightness = pixels[:, int(y), int(x)].mean()
                    outside = pixels[:, int(max(0, y - top - bottom)), int(x)].mean()
                    assert brightness > outside + 0.5
                    checked += 1
    assert checked > 20


def test_a_detector_learns_discs(tmp_path: Path) -> None:
    data = write_discs(tmp_path, pictures=24)
    trainer = run(
        data, tmp_path / "out", stages=(Stage((128, 128), 60),), schedule="constant",
        learning_rate=3e-3, ema_decay=0.9, warmup=10,
    )  # fmt: skip
    assert trainer.progress.best_ap > 0.3


def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    data = write_discs(tmp_path)
    whole = run(data, tmp_path / "whole")
    out = tmp_path / "stopped"
    assert run(data, out, stop_after=3).progress.step == 3
    assert run(data, out).progress.step == whole.steps
    once, twice = (load_file(f / "checkpoint.safetensors") for f in (tmp_path / "whole", out))
    assert all(torch.equal(once[name], twice[name]) for name in once)


def test_it_starts_from_a_pose_networks_encoder(fresh_weights: Path, tmp_path: Path) -> None:
    data = write_discs(tmp_path)
    out = tmp_path / "out"
    trainer = run(data, out, initial_weights=fresh_weights, learning_rate=0.0)
    pose, _ = load_weights(fresh_weights, MODELS["mobileposenet-256x192"])
    own, theirs = dict(trainer.network.named_parameters()), dict(pose.named_parameters())
    shared = [name for name in own if name.startswith(("stem.", "encoder."))]
    assert all(torch.equal(own[name], theirs[name]) for name in shared)
    other = tmp_path / "other.safetensors"
    save_weights(other, torch.nn.Linear(2, 2), "something-else")
    with pytest.raises(WeightsError, match="whose encoder is another one"):
        run(data, tmp_path / "other", initial_weights=other)


def test_pictures_without_all_labels_are_left_out(tmp_path: Path) -> None:
    data = write_discs(tmp_path)
    file = data / "person_keypoints.json"
    content = json.loads(file.read_text())
    content["images"][0]["labels_complete"] = False
    file.write_text(json.dumps(content))
    assert len(load_pictures(data)) == 15
    write_discs(tmp_path, labels_complete=False)
    with pytest.raises(TrainingDataError, match="nobody with a box"):
        load_pictures(data)
