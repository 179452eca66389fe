"""From boxes to joints on a GPU: each picture is uploaded once, and only joints come back.

Crops are warped on the device in one call per picture. Both views of the flip test go through the
network in one batch, in half precision and as a CUDA graph where that is available, and heatmaps
are decoded on the device as well. All of it also runs on torch's CPU device, in full precision,
which is how it is tested without a GPU.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mpn_models.folded import fold
from mpn_models.network import channels_last
from mpn_models.registry import Model
from mpn_models.weights import load_weights
from torch import Tensor

from mpn_cli.base.arrays import BoolArray, Float64Array, Picture
from mpn_cli.base.choices import Decode
from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import SKELETONS
from mpn_cli.base.stopwatch import Stopwatch
from mpn_cli.geometry.crops import (
    PIXEL_MEAN,
    PIXEL_STD,
    Regions,
    grid_to_picture,
    heatmap_size,
    reduced,
    regions_of_boxes,
)
from mpn_cli.geometry.torch_crops import warp_crops
from mpn_cli.geometry.torch_decoding import decode_on_device
from mpn_cli.networks.contract import Conventions
from mpn_cli.sources.reading import Decoded

WARM_UPS = 3
"""Runs before a graph is captured, as PyTorch's documentation asks for."""


class DevicePoseNetwork:
    """The folded network with normalisation and decoding: crops in, joints in heatmap cells out.

    A :class:`mpn_cli.networks.contract.PoseNetwork`. batch: crops per run; it is halved when the
    device runs out of memory. flip: whether any crops get the flip test. Raises WeightsError.
    """

    def __init__(
        self, model: Model, weights: Path, device: str, *, batch: int, flip: bool, method: Decode
    ) -> None:
        self.input_size = model.input_size
        self.joints = model.joints
        self.conventions = Conventions()
        self.device = torch.device(device)
        self.batch = batch
        half = self.device.type == "cuda"
        self.kind = torch.float16 if half else torch.float32
        network, _ = load_weights(weights, model)
        self._network = channels_last(fold(network)).to(self.device, self.kind)
        self._flip = flip
        self._method = method
        self._order = torch.tensor(SKELETONS[model.joints].flip_permutation, device=self.device)
        self._mean = torch.tensor(PIXEL_MEAN, device=self.device)[:, None, None] * 255
        self._deviation = torch.tensor(PIXEL_STD, device=self.device)[:, None, None] * 255
        self._graph: Any = None
        self._static: tuple[Tensor, Tensor, Tensor] | None = None

    def finder(self, stopwatch: Stopwatch) -> DevicePoseFinder:
        """A new finder for one shard."""
        return DevicePoseFinder(self, stopwatch)

    def reading_threads(self, threads: int | None) -> int:
        """All of the worker's threads: the device is faster than one core decodes."""
        return max(1, threads or 1)

    def joints_of(self, crops: Tensor, flipped: Tensor) -> Tensor:
        """Crops (N, 3, H, W) uint8 on the device -> (N, K, 3): x, y in cells, confidence.

        flipped: (N,) bool on the device, the crops that are averaged with their mirror images.
        If the device runs out of memory, the batch is halved with a warning and the job goes on.
        Raises InputError if the device is lost, or if not even one crop fits.
        """
        while True:
            try:
                batches = zip(
                    torch.split(crops, self.batch), torch.split(flipped, self.batch), strict=True
                )
                parts = [self._one_batch(*batch) for batch in batches]
                return torch.cat(parts) if len(parts) > 1 else parts[0]
            except torch.OutOfMemoryError:
                self._shrink()
            except RuntimeError as error:
                if "CUDA" not in str(error) and "MPS" not in str(error):
                    raise
                raise InputError(
                    f"--device {self.device} was lost ({str(error).splitlines()[0]})."
                    " What is finished is kept: the same command goes on from there."
                ) from None

    def _shrink(self) -> None:
        if self.batch == 1:
            raise InputError(f"--device {self.device}: not even one crop fits into its memory")
        self._graph = self._static = None
        self.batch //= 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        warnings.warn(
            f"{self.device} is out of memory: going on with {self.batch} crops at once",
            RuntimeWarning,
            stacklevel=2,
        )

    def _one_batch(self, crops: Tensor, flipped: Tensor) -> Tensor:
        if self.device.type != "cuda":
            return self._compute(crops, flipped)
        if self._static is None:
            self._capture(crops.shape[1:])
        assert self._static is not None
        given, marked, found = self._static
        given[: len(crops)].copy_(crops)
        marked[: len(crops)].copy_(flipped)
        self._graph.replay()
        return found[: len(crops)].clone()

    def _capture(self, shape: torch.Size) -> None:
        """Record the computation of a full batch as a graph; smaller batches fill a part of it."""
        given = torch.zeros((self.batch, *shape), dtype=torch.uint8, device=self.device)
        marked = torch.zeros(self.batch, dtype=torch.bool, device=self.device)
        stream: Any = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(stream):
            for _ in range(WARM_UPS):
                self._compute(given, marked)
        torch.cuda.current_stream(self.device).wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        # Other threads read and upload pictures meanwhile: that must not end the capture.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            found = self._compute(given, marked)
        self._graph, self._static = graph, (given, marked, found)

    def _compute(self, crops: Tensor, flipped: Tensor) -> Tensor:
        with torch.inference_mode():
            pixels = ((crops.float() - self._mean) / self._deviation).to(self.kind)
            pixels = pixels.contiguous(memory_format=torch.channels_last)
            if not self._flip:
                return decode_on_device(self._network(pixels).float(), self._method)
            both = self._network(torch.cat([pixels, pixels.flip(3)])).float()
            straight, mirrored = both.chunk(2)
            averaged = (straight + mirrored[:, self._order].flip(3)) / 2
            heatmaps = torch.where(flipped[:, None, None, None], averaged, straight)
            return decode_on_device(heatmaps, self._method)


class DevicePoseFinder:
    """The counterpart of ``PoseFinder`` on a device: boxes in, poses out, in the same order."""

    def __init__(self, network: DevicePoseNetwork, stopwatch: Stopwatch) -> None:
        self._network = network
        self._stopwatch = stopwatch
        self._waiting: list[Tensor] = []
        self._flipped: list[BoolArray] = []
        self._count = 0
        self._regions: list[Regions] = []
        self._found: list[Tensor] = []

    def add(self, picture: Decoded, boxes: Float64Array, flipped: BoolArray) -> None:
        """Cut the crops for a picture's boxes (N, 4); full batches go through the network at once.

        flipped: (N,) which boxes get the flip test.
        """
        network = self._network
        if not len(boxes):
            return
        regions = regions_of_boxes(boxes, network.input_size, network.conventions.padding)
        with self._stopwatch.stage("crop"):
            pixels = _uploaded(picture.pixels, network.device)
            cut = reduced(regions, picture.reduction)
            self._waiting.append(warp_crops(pixels, cut, network.input_size))
        self._regions.append(regions)
        self._flipped.append(flipped)
        self._count += len(boxes)
        if self._count >= network.batch:
            self._flush()

    def found(self) -> tuple[Float64Array, Float64Array]:
        """Keypoints (N, K, 2) in pixels and confidences (N, K) of all boxes, in the order added."""
        if self._count:
            self._flush()
        joints = self._network.joints
        if not self._found:
            return np.empty((0, joints, 2)), np.empty((0, joints))
        with self._stopwatch.stage("network"):  # this waits for the device
            rows = torch.cat(self._found).cpu().numpy().astype(np.float64)
        regions = Regions(
            np.concatenate([regions.centres for regions in self._regions]),
            np.concatenate([regions.sizes for regions in self._regions]),
        )
        grid = heatmap_size(self._network.input_size)
        return grid_to_picture(rows[..., :2], regions, grid), rows[..., 2]

    def _flush(self) -> None:
        with self._stopwatch.stage("network"):
            flipped = torch.from_numpy(np.concatenate(self._flipped)).to(self._network.device)
            self._found.append(self._network.joints_of(torch.cat(self._waiting), flipped))
        self._waiting.clear()
        self._flipped.clear()
        self._count = 0


def _uploaded(pixels: Picture, device: torch.device) -> Tensor:
    """(H, W, 3) uint8 on the device; the copy overlaps with computation there."""
    tensor = torch.from_numpy(np.ascontiguousarray(pixels))
    if device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)
