"""The paper's parallel suppression (eq. 10, Algorithm 1; after SOLOv2's Matrix NMS), in torch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from mpn_nms.contract import FloatArray, Int64Array, Kept, NmsConfig, PoseBatch
from mpn_nms.oks import TINY
from mpn_nms.plain_matrix import GAUSSIAN, LINEAR, SMALLEST_DENOMINATOR
from mpn_nms.plugins import PluginError

MAX_PAIRS = {"cpu": 150_000, "cuda": 4_000_000}
"""Pairs handled at once: what fits a core's cache, or keeps a GPU busy (32 MB per matrix)."""

CLASSES_PER_DOUBLING = 3
"""Pictures are padded to at most 2^(1/3) times their size."""


class Matrix:
    """The score of every pose decays by its OKS with all better ones, at once.

    With O only for pairs i above j, comp_i = max over l above i of O_li:
    ``matrix`` decays by min over i of (1 - O_ij) / (1 - comp_i), ``matrix-gaussian`` by min over i
    of exp(-(O_ij^2 - comp_i^2) / sigma); never by more than 1. Kept are new scores over
    ``score_thr``, at most ``max_dets``. Pictures are padded to the size of others like them.
    """

    name = "matrix"
    methods: tuple[str, ...] = (LINEAR, GAUSSIAN)
    device = "cpu"

    def __init__(self, device: str = "cpu") -> None:
        self._device = torch.device(device)

    def __call__(self, batch: PoseBatch, config: NmsConfig) -> Kept:
        """Suppress all pictures, a size class at a time."""
        kept: list[tuple[Int64Array, np.ndarray[tuple[int], np.dtype[np.float64]]]] = [
            (np.empty(0, dtype=np.int64), np.empty(0))
        ] * batch.pictures
        for pictures in _size_classes(batch.offsets, MAX_PAIRS[self._device.type]):
            rows, filled = _padded_rows(batch, pictures)
            decay = self._decay(batch, rows, filled, config)
            scores = np.asarray(batch.scores, dtype=np.float64)[rows] * decay
            scores[~filled] = -np.inf
            order = np.argsort(-scores, axis=1, kind="stable")[:, : config.max_dets]
            scores = np.take_along_axis(scores, order, axis=1)
            rows = np.take_along_axis(rows, order, axis=1)
            counts = (scores > config.score_thr).sum(axis=1)
            for position, picture in enumerate(pictures):
                count = counts[position]
                kept[picture] = (rows[position, :count], scores[position, :count])
        return Kept(
            np.concatenate([rows for rows, _ in kept] or [np.empty(0, dtype=np.int64)]),
            np.concatenate([scores for _, scores in kept] or [np.empty(0)]),
            np.cumsum([0, *(len(rows) for rows, _ in kept)], dtype=np.int64),
        )

    def _decay(
        self,
        batch: PoseBatch,
        rows: Int64Array,
        filled: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
        config: NmsConfig,
    ) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """(P, n) factors for padded rows (P, n) in descending score."""
        similar = self._similarity(batch, rows, config.oks_vis_thr)
        above = torch.ones(similar.shape[1:], dtype=torch.bool, device=self._device).triu(1)
        exists = torch.from_numpy(filled).to(self._device)
        pairs = above & exists[:, :, None] & exists[:, None, :]
        similar = torch.where(pairs, similar, 0.0)
        compensation = similar.amax(dim=1)[:, :, None]  # over the better ones, for each i
        if config.method == GAUSSIAN:
            decay = torch.exp((compensation**2 - similar**2) / config.sigma)
        else:
            decay = (1 - similar) / (1 - compensation).clamp(min=SMALLEST_DENOMINATOR)
        decay = torch.where(pairs, decay, 1.0).amin(dim=1).clamp(max=1.0)
        return np.asarray(decay.cpu().numpy())

    def _similarity(
        self, batch: PoseBatch, rows: Int64Array, visible_above: float | None
    ) -> Tensor:
        """OKS (P, n, n) of all pairs, one joint after the other: no (P, n, n, K) is made."""

        def on_device(values: FloatArray) -> Tensor:
            return torch.from_numpy(np.asarray(values, dtype=np.float64)).to(self._device)

        keypoints = on_device(batch.keypoints[rows])
        areas = on_device(batch.areas[rows])
        confidences = on_device(batch.confidences[rows])
        scale = (areas[:, :, None] + areas[:, None, :]) / 2 + TINY
        total = torch.zeros_like(scale)
        number = torch.zeros_like(scale)
        for joint, sigma in enumerate(batch.sigmas.tolist()):
            x, y = keypoints[:, :, joint, 0], keypoints[:, :, joint, 1]
            distance = (x[:, :, None] - x[:, None]) ** 2 + (y[:, :, None] - y[:, None]) ** 2
            term = torch.exp(-distance / (2 * scale * (2 * sigma) ** 2))
            if visible_above is None:
                total += term
            else:
                seen = confidences[:, :, joint] > visible_above
                both = seen[:, :, None] & seen[:, None]
                total += term * both
                number += both
        return total / (number.clamp(min=1) if visible_above is not None else len(batch.sigmas))


class CudaMatrix(Matrix):
    """The same on the first CUDA device. Raises PluginError if there is none."""

    name = "matrix-cuda"
    device = "cuda"

    def __init__(self) -> None:
        if not torch.cuda.is_available():
            raise PluginError(
                f"NMS backend matrix-cuda: torch {torch.__version__} sees no CUDA device here"
            )
        super().__init__("cuda")


def _size_classes(offsets: Int64Array, max_pairs: int) -> Iterator[Int64Array]:
    """Pictures of like sizes, at most ``max_pairs`` pairs or one picture; no empty ones."""
    sizes = np.diff(offsets)
    classes = np.ceil(CLASSES_PER_DOUBLING * np.log2(np.maximum(sizes, 1)))
    for one in np.unique(classes[sizes > 0]):
        pictures = np.flatnonzero((classes == one) & (sizes > 0))
        together = max(1, int(max_pairs // sizes[pictures].max() ** 2))
        for start in range(0, len(pictures), together):
            yield pictures[start : start + together]


def _padded_rows(
    batch: PoseBatch, pictures: Int64Array
) -> tuple[Int64Array, np.ndarray[tuple[int, int], np.dtype[np.bool_]]]:
    """(P, n) rows in descending score, ties in input order, and which of them are real."""
    first = batch.offsets[pictures]
    sizes = batch.offsets[pictures + 1] - first
    column = np.arange(sizes.max())
    filled = column < sizes[:, None]
    rows = np.where(filled, first[:, None] + column, first[:, None])
    scores = np.where(filled, np.asarray(batch.scores, dtype=np.float64)[rows], -np.inf)
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.take_along_axis(rows, order, axis=1), filled
