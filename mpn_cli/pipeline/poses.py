"""From boxes in pictures to joints: crops, the network in full batches, flip test, decoding."""

from __future__ import annotations

import numpy as np
from mpn_nms.plugins import blamed

from mpn_cli.base.arrays import BoolArray, Float32Array, Float64Array, Picture
from mpn_cli.base.choices import Decode
from mpn_cli.base.skeletons import SKELETONS, Skeleton
from mpn_cli.base.stopwatch import Stopwatch
from mpn_cli.geometry.crops import (
    Regions,
    biased,
    grid_to_picture,
    reduced,
    regions_of_boxes,
    warp_crop,
)
from mpn_cli.geometry.decoding import (
    average_flipped,
    average_flipped_bins,
    decode,
    decode_bins,
)
from mpn_cli.networks.contract import Estimator, SimCC
from mpn_cli.sources.reading import Decoded


class HeatmapNetwork:
    """An estimator wrapped for use by a shard: a :class:`mpn_cli.networks.contract.PoseNetwork`.

    method: how positions are decoded from heatmaps; batch: crops that the estimator is given at
    once.
    """

    def __init__(self, estimator: Estimator, method: Decode, batch: int) -> None:
        self.input_size = estimator.input_size
        self.joints = estimator.joints
        self.conventions = estimator.conventions
        self._estimator = estimator
        self._method = method
        self._batch = batch

    def finder(self, stopwatch: Stopwatch) -> PoseFinder:
        """A shard's finder."""
        return PoseFinder(self._estimator, self._method, self._batch, stopwatch)

    def reading_threads(self, threads: int | None) -> int:
        """One thread: the network uses the worker's other threads."""
        return 1


class PoseFinder:
    """Collects crops into full batches for the network, and the poses that come out."""

    def __init__(
        self, estimator: Estimator, method: Decode, batch: int, stopwatch: Stopwatch
    ) -> None:
        self._estimator = estimator
        self._skeleton = SKELETONS[estimator.joints]
        self._method = method
        self._batch = batch
        self._stopwatch = stopwatch
        self._waiting: list[Picture] = []
        self._flipped: list[bool] = []
        self._regions: list[Regions] = []
        self._keypoints = [np.empty((0, estimator.joints, 2))]
        self._confidences = [np.empty((0, estimator.joints))]

    def add(self, picture: Decoded, boxes: Float64Array, flipped: BoolArray) -> None:
        """Cut the boxes (N, 4) of a picture out; full batches go through the network at once.

        flipped: (N,) which boxes get the flip test.
        """
        estimator = self._estimator
        size, conventions = estimator.input_size, estimator.conventions
        regions = regions_of_boxes(boxes, size, conventions.padding)
        cut = regions if conventions.unbiased else biased(regions, size)
        cut = reduced(cut, picture.reduction)
        for row in range(len(regions)):
            with self._stopwatch.stage("crop"):
                crop = warp_crop(picture.pixels, cut.centres[row], cut.sizes[row], size)
            self._waiting.append(crop)
            self._flipped.append(bool(flipped[row]))
            one = slice(row, row + 1)
            self._regions.append(Regions(regions.centres[one], regions.sizes[one]))
            if len(self._waiting) == self._batch:
                self._flush()

    def found(self) -> tuple[Float64Array, Float64Array]:
        """Keypoints (N, K, 2) in pixels and confidences (N, K) of all boxes, in their order."""
        if self._waiting:
            self._flush()
        return np.concatenate(self._keypoints), np.concatenate(self._confidences)

    def _flush(self) -> None:
        crops, flipped = np.stack(self._waiting), np.array(self._flipped)
        with self._stopwatch.stage("network"), blamed(self._estimator, "pose network"):
            output = self._estimator.heatmaps(crops)
            if flipped.any():
                mirror_images = np.ascontiguousarray(crops[flipped][:, :, ::-1])
                mirrored = self._estimator.heatmaps(mirror_images)
                shift = self._estimator.conventions.shift_flipped
                output = average(output, mirrored, flipped, self._skeleton, shift=shift)
        with self._stopwatch.stage("decode"):
            positions, confidences, grid = read_off(output, self._method)
            regions = Regions(
                np.concatenate([r.centres for r in self._regions]),
                np.concatenate([r.sizes for r in self._regions]),
            )
            if not self._estimator.conventions.unbiased:
                regions = biased(regions, grid)
            self._keypoints.append(grid_to_picture(positions, regions, grid))
            self._confidences.append(confidences)
        self._waiting.clear()
        self._flipped.clear()
        self._regions.clear()


def average(
    output: Float32Array | SimCC,
    mirrored: Float32Array | SimCC,
    flipped: BoolArray,
    skeleton: Skeleton,
    *,
    shift: bool,
) -> Float32Array | SimCC:
    """The flip test of either kind of output, of N crops.

    mirrored: the output for the mirror images of the crops that ``flipped`` (N,) marks; the output
    for the other crops is returned unchanged. shift: whether mirrored heatmaps are moved by one
    cell. The result is a copy: an estimator may reuse its arrays.
    """
    order = skeleton.flip_permutation
    if isinstance(output, SimCC) and isinstance(mirrored, SimCC):
        x, y = np.array(output.x), np.array(output.y)
        x[flipped] = average_flipped_bins(x[flipped], mirrored.x, order, reverse=True)
        y[flipped] = average_flipped_bins(y[flipped], mirrored.y, order, reverse=False)
        return SimCC(x, y)
    assert not isinstance(output, SimCC)
    assert not isinstance(mirrored, SimCC)
    heatmaps = np.array(output)
    heatmaps[flipped] = average_flipped(heatmaps[flipped], mirrored, order, shift=shift)
    return heatmaps


def read_off(
    output: Float32Array | SimCC, method: Decode
) -> tuple[Float64Array, Float64Array, tuple[int, int]]:
    """Positions (N, K, 2) in cells, confidences (N, K), and the grid's (width, height)."""
    if isinstance(output, SimCC):
        return *decode_bins(output.x, output.y), (output.x.shape[2], output.y.shape[2])
    return *decode(output, method), (output.shape[3], output.shape[2])
