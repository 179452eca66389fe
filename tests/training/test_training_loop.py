"""Real, tiny runs of the trainer."""

import json
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mpn_cli.base.errors import InputError
from mpn_cli.training.batches import epoch_order
from mpn_cli.training.data_sets import TrainingDataError
from mpn_cli.training.loop import Trainer
from mpn_cli.training.pose.people import load_people
from mpn_cli.training.recipe import Recipe, Stage
from tests.conftest import make_picture
from tests.training.running import run_recipe

RECIPE = {"stages": (Stage((64, 64), 1), Stage((64, 96), 1)), "batch": 4, "warmup": 2}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    write_data_set(folder)
    return folder


def write_data_set(folder: Path, **changes: Any) -> None:
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for i in range(1, 17):
        name = f"{i}.png"
        make_picture(folder / "images" / name, seed=i)
        images.append({"id": i, "file_name": name, "width": 120, "height": 160})
        joints = np.column_stack([rng.uniform(20, 100, 17), rng.uniform(20, 140, 17),
                                  rng.choice([0, 2], 17)])  # fmt: skip
        joints[0, 2] = 2
        annotations.append({
            "id": i, "image_id": i, "category_id": 1, "iscrowd": 0, "bbox": [20, 20, 80, 120],
            "area": 5000, "keypoints": joints.ravel().tolist(), "num_keypoints": 9, **changes,
        })  # fmt: skip
    content = {"images": images, "annotations": annotations}
    (folder / "person_keypoints.json").write_text(json.dumps(content))


def recipe_for(data: Path, optimizer: str = "adamw") -> Recipe:
    return Recipe(
        data=(data,),
        mix=(1.0,),
        validate_every=4,
        optimizer=optimizer,
        **RECIPE,  # type: ignore
    )


def run(data: Path, out: Path, stop_after: int | None = None, optimizer: str = "adamw") -> Trainer:
    return run_recipe(recipe_for(data, optimizer), out, stop_after)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_stopped_run_goes_on_to_the_same_weights(
    data: Path, tmp_path: Path, optimizer: str
) -> None:
    whole = run(data, tmp_path / "whole", optimizer=optimizer)
    assert whole.steps == 6
    for stop_after in (2, 3, 5):
        out = tmp_path / f"stopped-{stop_after}"
        assert run(data, out, stop_after, optimizer).progress.step == stop_after
        assert run(data, out, optimizer=optimizer).progress.step == whole.steps
        once, twice = (load_file(f / "checkpoint.safetensors") for f in (tmp_path / "whole", out))
        assert all(torch.equal(once[name], twice[name]) for name in once)
    log = [json.loads(line) for line in (tmp_path / "whole/log.jsonl").read_text().splitlines()]
    assert [event["input_size"] for event in log if "ap" in event] == ["64x64", "96x64"]


def test_the_steps_expected_are_those_that_the_minutes_allow(data: Path, tmp_path: Path) -> None:
    trainer = Trainer(recipe_for(data), tmp_path / "out", lambda event: None, minutes=10)
    trainer.progress.step = 2
    trainer._started = time.monotonic() - 300  # half of them are over
    assert trainer.expected_steps == 4
    trainer._started = time.monotonic() - 60
    assert trainer.expected_steps == trainer.steps == 6


def test_another_run_is_refused(data: Path, tmp_path: Path) -> None:
    run(data, tmp_path / "out", stop_after=2)
    other = Recipe(data=(data,), mix=(1.0,), validate_every=4, seed=7, **RECIPE)  # type: ignore
    with pytest.raises(TrainingDataError, match=r"out/ holds another run \(seed 0, not 7\)"):
        Trainer(other, tmp_path / "out", lambda event: None)


def test_training_finds_a_disc(tmp_path: Path) -> None:
    """One labelled joint, a white disc: the loss must fall well under that of a guess."""
    write_data_set(tmp_path)
    file = tmp_path / "person_keypoints.json"
    content = json.loads(file.read_text())
    for one in content["annotations"]:
        x, y = np.random.default_rng(one["id"]).uniform((35, 40), (85, 120))
        one["keypoints"] = [x, y, 2] + [0, 0, 0] * 16
        picture = np.zeros((160, 120, 3), dtype=np.uint8)
        cv2.circle(picture, (round(x), round(y)), 6, (255, 255, 255), -1)
        cv2.imwrite(str(tmp_path / f"images/{one['id']}.png"), picture)
    file.write_text(json.dumps(content))
    recipe = Recipe(
        data=(tmp_path,), mix=(1.0,), stages=(Stage((64, 64), 40),), batch=4, warmup=5,
        learning_rate=3e-3, augment="light", validate_every=8, schedule="constant",
    )  # fmt: skip
    losses: list[float] = []
    trainer = Trainer(recipe, tmp_path / "out", lambda event: None)
    step = trainer._step
    trainer._step = lambda data, batch: losses.append(step(data, batch)) or losses[-1]  # type: ignore
    trainer.run()
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_mixed_data_sets_are_drawn_by_weight() -> None:
    order = epoch_order([100, 50], [1.0, 4.0], seed=0, epoch=3)
    assert len(order) == 150
    first = [row for data_set, row in order if data_set == 0]
    second = [row for data_set, row in order if data_set == 1]
    assert (len(first), len(second)) == (50, 100)
    assert len(set(first)) == 50
    assert sorted(second) == sorted([*range(50), *range(50)])
    assert order == epoch_order([100, 50], [1.0, 4.0], seed=0, epoch=3)
    assert order != epoch_order([100, 50], [1.0, 4.0], seed=0, epoch=4)


def test_joint_confidences_weigh(tmp_path: Path) -> None:
    write_data_set(tmp_path, keypoint_confidences=[0.5] * 17)
    people = load_people(tmp_path, 17)
    assert set(np.unique(people.weights)) == {0.0, 0.5}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keypoints": [1.0, 2.0, 2] * 16}, "annotation 1 has 16 joints, the network 17"),
        ({"iscrowd": 1}, "nobody with a box and a labelled joint"),
        ({"image_id": None}, "not a COCO keypoint data set"),
        ({"image_id": 99}, r"1 of 1 pictures are not in .* \(first: image id 99\)"),
    ],
)
def test_data_that_cant_be_trained_on(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    write_data_set(tmp_path, **changes)
    with pytest.raises(InputError, match=message):
        load_people(tmp_path, 17)


def test_missing_pictures_are_named(tmp_path: Path) -> None:
    write_data_set(tmp_path)
    (tmp_path / "images/3.png").unlink()
    with pytest.raises(TrainingDataError, match=r"1 of 16 pictures .* \(first: 3.png\)"):
        load_people(tmp_path, 17)


def test_stages_are_read_strictly() -> None:
    assert Stage.parse("256x192:10") == Stage((192, 256), 10)
    for text in ("256:10", "100x100:1", "256x192:0", "256x192:x"):
        with pytest.raises(InputError, match="stage"):
            Stage.parse(text)
