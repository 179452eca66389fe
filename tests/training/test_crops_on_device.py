"""What runs on a GPU, run on the device that is here."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mpn_cli.base.skeletons import COCO
from mpn_cli.training.packing import pack, unpack
from mpn_cli.training.pose.augmentation import AUGMENTATIONS, STILL, Augmentation
from mpn_cli.training.pose.cache import CropCache, cached_size, open_cache
from mpn_cli.training.pose.on_device import DeviceCrops, draw_views
from mpn_cli.training.pose.people import load_people, split_by_picture
from mpn_cli.training.pose.samples import CropMaker
from tests.training.running import cache_of
from tests.training.test_training import write_data_set

SIZE = (96, 128)
CACHED = cached_size(SIZE)


def one_dot_each(people: int) -> CropCache:
    """Regions with a white disc at the one labelled joint."""
    rng = np.random.default_rng(0)
    keypoints = np.zeros((people, 17, 2))
    weights = np.zeros((people, 17), dtype=np.float32)
    crops = np.zeros((people, CACHED[1], CACHED[0], 3), dtype=np.uint8)
    for row in range(people):
        joint = row % 17
        keypoints[row, joint] = rng.uniform((50, 65), (75, 100))
        weights[row, joint] = 1
        x, y = keypoints[row, joint]
        cv2.circle(crops[row], (round(16 * x), round(16 * y)), 40, (255,) * 3, -1, cv2.LINE_AA, 4)
    return cache_of(crops, keypoints, weights)


def made(cache: CropCache, augmentation: Augmentation) -> DeviceCrops:
    return DeviceCrops(
        [cache], (1.0,), COCO, augmentation, SIZE, len(cache), 5, torch.device("cpu")
    )


def test_pixels_and_heatmaps_move_together() -> None:
    cache = one_dot_each(34)
    augmentation = Augmentation(colour=0, cut_out_probability=0)
    batch = made(cache, augmentation).make(0, [(0, row) for row in range(34)])
    bright = batch.crops[:, 0] - batch.crops[:, 0].amin(dim=(1, 2), keepdim=True)
    mirrored = 0
    for row in range(34):
        (now,) = torch.nonzero(batch.weights[row]).ravel().tolist()
        mirrored += now != row % 17
        assert now in (row % 17, COCO.flip_permutation[row % 17])
        v, u = torch.meshgrid(torch.arange(128.0), torch.arange(96.0), indexing="ij")
        total = bright[row].sum()
        middle = torch.stack([(bright[row] * u).sum(), (bright[row] * v).sum()]) / total
        peak = batch.heatmaps[row, now].flatten().argmax().item()
        place = torch.tensor([peak % 24 * 95 / 23, peak // 24 * 127 / 31])
        assert (place - middle).abs().max() < 2.6  # half a heatmap cell is two pixels
    assert 5 < mirrored < 29


def test_without_augmentation_it_is_what_the_host_makes() -> None:
    cache = one_dot_each(6)
    rows = [(0, row) for row in range(6)]
    ours = made(cache, STILL).make(0, rows)
    theirs = CropMaker([cache], (1.0,), COCO, STILL, SIZE, 6, 5).make(0, rows)
    torch.testing.assert_close(ours.heatmaps, theirs.heatmaps, rtol=0, atol=1e-5)
    torch.testing.assert_close(ours.weights, theirs.weights)
    # OpenCV's warp rounds places to a 32nd of a pixel.
    assert (ours.crops - theirs.crops).abs().mean() < 0.02


def test_views_are_drawn_from_the_same_ranges() -> None:
    rng = np.random.default_rng(0)
    keypoints = rng.uniform((30, 30), (90, 130), (2000, 17, 2))
    matrices, mirrored = draw_views(
        rng, AUGMENTATIONS["paper"], COCO, keypoints, np.ones((2000, 17), np.float32), SIZE
    )
    scales = np.sqrt(np.abs(np.linalg.det(matrices[:, :, :2])))
    angles = np.degrees(np.arctan2(matrices[:, 1, 0], np.abs(matrices[:, 0, 0])))
    assert 0.45 < mirrored.mean() < 0.55
    assert np.abs(angles).max() < 46
    assert 0.35 < (np.abs(angles) < 1e-6).mean() < 0.45
    assert scales.max() < 1.36
    assert ((np.sign(np.linalg.det(matrices[:, :, :2])) < 0) == mirrored).all()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_data_set(tmp_path / "data")
    return tmp_path / "data"


def test_packed_people_are_the_same_people(data: Path, tmp_path: Path) -> None:
    files = pack([data, data], tmp_path / "packed", 0.1, 400, 95)
    assert len(files) > 1
    assert max(file.stat().st_size for file in files) <= 100_000
    first, second = unpack(files, tmp_path / "there")
    ours, theirs = load_people(data, 17), load_people(first, 17)
    assert len(theirs) == len(load_people(second, 17)) == len(ours)
    assert len(split_by_picture(theirs, 4)[1]) == len(split_by_picture(ours, 4)[1])
    np.testing.assert_array_equal(ours.weights, theirs.weights)
    size = (192, 256)
    mine, other = (open_cache(p, size, tmp_path / "cache") for p in (ours, theirs))
    np.testing.assert_allclose(mine.keypoints, other.keypoints, atol=0.02)
    apart = np.abs(mine.crops.astype(float) - other.crops)
    assert apart.mean() < 6  # WebP


def test_the_whole_run_on_a_lent_machine_rehearsed(data: Path, tmp_path: Path) -> None:
    files = pack([data], tmp_path / "packed", 60, 200, 80)
    with tarfile.open(files[0]) as tar:
        assert any(name.endswith("person_keypoints.json") for name in tar.getnames())
    command = [
        sys.executable, "-m", "mpn_cli.training.on_gpu", *files, "-o", "out", "--work", "work",
        "--device", "cpu", "--stages", "64x64:400", "--batch", "4", "--minutes", "0.3",
        "--validate-epochs", "50", "--mix", "1",
    ]  # fmt: skip
    done = subprocess.run(list(map(str, command)), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    log = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert (tmp_path / "out" / "best.safetensors").is_file()
    assert "ap" in log[-1]
    assert 0 < log[-1]["step"] < log[-1]["steps"]  # the minutes were over before the epochs
    rates = [event["learning_rate"] for event in log if "learning_rate" in event]
    assert not rates or rates[-1] < 2e-3
