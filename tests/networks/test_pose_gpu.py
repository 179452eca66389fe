"""The GPU's way from boxes to joints, run on torch's CPU device, against the CPU's own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mpn_models.registry import MODELS

from mpn_cli.base.choices import Decode
from mpn_cli.base.devices import find_devices
from mpn_cli.base.errors import InputError
from mpn_cli.geometry.crops import regions_of_boxes, warp_crop
from mpn_cli.geometry.decoding import decode
from mpn_cli.geometry.torch_crops import warp_crops
from mpn_cli.geometry.torch_decoding import decode_on_device
from mpn_cli.networks.pose_gpu import DevicePoseNetwork
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.layers import resolve
from mpn_cli.options.recipes import make_recipe
from mpn_cli.pipeline.shard import annotate_shard
from mpn_cli.pipeline.tools import Tools
from mpn_cli.results.poses import ShardResult
from mpn_cli.sources.reading import read_picture
from mpn_cli.sources.tasks import Box, Task
from tests.acceptance.conftest import Mpn
from tests.acceptance.conftest import mpn as mpn  # the fixture

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("method", Decode)
def test_positions_are_those_of_the_cpu(method: Decode) -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:64, :48]
    places = rng.uniform(-2, 66, (200, 2, 1, 1))
    heatmaps = np.exp(-((x - places[:, :1]) ** 2 + (y - places[:, 1:]) ** 2) / 8)
    heatmaps = (heatmaps * rng.uniform(0.1, 1.1, (200, 1, 1, 1))).astype(np.float32)
    heatmaps += rng.normal(0, 0.005, heatmaps.shape).astype(np.float32)
    heatmaps[:3] = -1
    positions, confidences = decode(heatmaps, method)
    found = decode_on_device(torch.from_numpy(heatmaps), method).numpy()
    np.testing.assert_allclose(found[..., :2], positions, atol=2e-3)
    np.testing.assert_allclose(found[..., 2], confidences, atol=1e-6)


def test_crops_are_those_of_the_cpu() -> None:
    picture = read_picture(str(EXAMPLES / "000000000785.jpg"))
    boxes = np.array([[280.0, 40, 220, 330], [-50, -30, 200, 260], [500, 300, 300, 300],
                      [300.5, 80.25, 40, 60]])  # fmt: skip
    regions = regions_of_boxes(boxes, (192, 256))
    ours = warp_crops(torch.from_numpy(picture), regions, (192, 256)).permute(0, 2, 3, 1).numpy()
    for row, crop in enumerate(ours):
        cpu = warp_crop(picture, regions.centres[row], regions.sizes[row], (192, 256))
        apart = np.abs(crop.astype(int) - cpu)
        assert np.quantile(apart, 0.999) <= 2
        assert apart.max() <= 8  # OpenCV rounds places to a 32nd of a pixel


def both_ways(weights: Path, **options: object) -> tuple[ShardResult, ShardResult]:
    """The same tasks by torch on the CPU, and by the device's way on the CPU device."""
    recipe = make_recipe(
        resolve(AnnotateOptions, {"model": str(weights), "runtime": "torch", **options}),
        labelled=False,
    )
    rng = np.random.default_rng(0)
    tasks = []
    for number, file in enumerate(sorted(EXAMPLES.glob("*.jpg")), 1):
        boxes = [Box(*rng.uniform(10, 200, 2), *rng.uniform(60, 300, 2)) for _ in range(3)]
        tasks.append(Task(number, str(file), file.name, tuple(boxes[: number % 4])))
    cpu = Tools.load(recipe)
    network = DevicePoseNetwork(
        MODELS[recipe.model], weights, "cpu", batch=4, flip=recipe.flip, method=recipe.decode
    )
    device = replace(cpu, network=network, threads=2)
    assert (cpu.reading_threads, device.reading_threads) == (1, 2)
    return annotate_shard(tasks, cpu), annotate_shard(tasks, device)


@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize("method", ["dark", "quarter"])
def test_a_shard_s_poses_are_those_of_the_cpu(flip: bool, method: str) -> None:
    weights = MODELS["mobileposenet-256x192"].weights
    cpu, device = both_ways(weights, flip=flip, decode=method)
    assert [p.file_name for p in cpu.pictures] == [p.file_name for p in device.pictures]
    away = []
    for one, other in zip(cpu.pictures, device.pictures, strict=True):
        assert len(one.poses) == len(other.poses)
        for a, b in zip(one.poses, other.poses, strict=True):
            assert a.bbox == b.bbox
            assert abs(a.score - b.score) < 0.02
            mine, theirs = (np.reshape(pose.keypoints, (17, 3)) for pose in (a, b))
            sure = mine[:, 2] > 0.3
            away += np.linalg.norm(mine - theirs, axis=1)[sure].tolist()
    assert len(away) > 30
    assert np.mean(np.array(away) < 0.5) >= 0.99


class Small(DevicePoseNetwork):
    """A device whose memory holds three crops."""

    def _compute(self, crops: torch.Tensor, flipped: torch.Tensor) -> torch.Tensor:
        if len(crops) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate ...")
        return super()._compute(crops, flipped)


def test_a_full_memory_halves_the_batch(fresh_weights: Path) -> None:
    def loaded(kind: type[DevicePoseNetwork]) -> DevicePoseNetwork:
        model = MODELS["mobileposenet-256x192"]
        return kind(model, fresh_weights, "cpu", batch=16, flip=True, method=Decode.DARK)

    crops = torch.randint(0, 255, (20, 3, 256, 192), dtype=torch.uint8)
    flipped = torch.arange(20) % 3 == 0
    small = loaded(Small)
    with pytest.warns(RuntimeWarning, match="going on with 2 crops at once"):
        found = small.joints_of(crops, flipped)
    assert small.batch == 2
    whole = loaded(DevicePoseNetwork).joints_of(crops, flipped)
    torch.testing.assert_close(found, whole, atol=1e-3, rtol=1e-3)


def test_a_lost_device_is_one_line(fresh_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = DevicePoseNetwork(
        MODELS["mobileposenet-256x192"],
        fresh_weights,
        "cpu",
        batch=4,
        flip=False,
        method=Decode.DARK,
    )

    def lost(crops: torch.Tensor, flipped: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("CUDA error: unspecified launch failure\nmore lines")

    monkeypatch.setattr(network, "_compute", lost)
    crops, flipped = torch.zeros((2, 3, 256, 192), dtype=torch.uint8), torch.ones(2).bool()
    with pytest.raises(InputError, match=r"was lost \(CUDA error: unspecified launch failure\)"):
        network.joints_of(crops, flipped)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_gpu_it_is_one_line(mpn: Mpn) -> None:
    for options, message in (
        (["--device", "cuda"], "sees no CUDA device here"),
        (["--device", "cuda:0,1"], "sees no CUDA device here"),
        (["--device", "cuda:x"], "--device cuda:x: not cpu, cuda, cuda:0,1 or mps"),
        (["--nms", "matrix-cuda"], "NMS backend matrix-cuda"),
    ):
        done = mpn("annotate", EXAMPLES, *options)
        assert done.returncode == 2
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
    assert find_devices("cpu") == ("cpu",)
