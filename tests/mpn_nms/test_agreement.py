"""Soft, matrix and the compiled backend against their definitions, written here pair by pair."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpn_nms.contract import Kept, NmsConfig, PoseBatch
from mpn_nms.registry import find_backend, suppress

from tests.conftest import SHARED_DATA
from tests.mpn_nms.test_hard import batch_of, batches, oks_by_hand

Answer = list[list[tuple[int, float]]]


def answer(kept: Kept) -> Answer:
    pairs = list(zip(kept.rows.tolist(), kept.scores.tolist(), strict=True))
    return [pairs[a:b] for a, b in zip(kept.offsets[:-1], kept.offsets[1:], strict=True)]


def by_score(batch: PoseBatch, first: int, last: int) -> list[int]:
    return sorted(range(first, last), key=lambda row: (-batch.scores[row], row))


def soft_by_hand(batch: PoseBatch, config: NmsConfig) -> Answer:
    result: Answer = []
    for first, last in zip(batch.offsets[:-1], batch.offsets[1:], strict=True):
        left = [(row, float(batch.scores[row])) for row in by_score(batch, first, last)]
        taken: list[tuple[int, float]] = []
        while left and len(taken) < config.max_dets:
            best, left = left[0], left[1:]
            taken.append(best)
            lowered = []
            for row, score in left:
                oks = oks_by_hand(batch, best[0], row)
                if config.method == "soft":
                    score *= math.exp(-oks * oks / config.thr)
                elif oks >= config.thr:
                    score *= 1 - oks
                lowered.append((row, score))
            left = sorted(lowered, key=lambda pair: -pair[1])
        result.append(taken)
    return result


def matrix_by_hand(batch: PoseBatch, config: NmsConfig) -> Answer:
    result: Answer = []
    for first, last in zip(batch.offsets[:-1], batch.offsets[1:], strict=True):
        order = by_score(batch, first, last)
        comp = [
            max((oks_by_hand(batch, order[above], order[i]) for above in range(i)), default=0.0)
            for i in range(len(order))
        ]
        new = []
        for j, row in enumerate(order):
            decays = [1.0]
            for i in range(j):
                oks = oks_by_hand(batch, order[i], row)
                if config.method == "matrix":
                    decays.append((1 - oks) / max(1 - comp[i], 1e-9))
                else:
                    decays.append(math.exp(-(oks**2 - comp[i] ** 2) / config.sigma))
            new.append((row, float(batch.scores[row]) * min(decays)))
        new.sort(key=lambda pair: -pair[1])
        result.append([pair for pair in new[: config.max_dets] if pair[1] > config.score_thr])
    return result


def same(found: Answer, expected: Answer) -> None:
    """The same rows and scores; poses whose scores are equal but for rounding may swap."""
    assert [len(one) for one in found] == [len(one) for one in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert [s for _, s in ours] == pytest.approx([s for _, s in theirs], abs=1e-9)
        ranked = dict(theirs)
        for row, score in ours:
            assert ranked.get(row, score) == pytest.approx(score, abs=1e-9)


DEFINITIONS: dict[str, Callable[[PoseBatch, NmsConfig], Answer]] = {
    "soft": soft_by_hand,
    "soft-linear": soft_by_hand,
    "matrix": matrix_by_hand,
    "matrix-gaussian": matrix_by_hand,
}
PAIRS = [
    (backend, method)
    for backend in ("soft", "matrix", "numba")
    for method in DEFINITIONS
    if backend == "numba" or method.startswith(backend)
]


@pytest.mark.parametrize(("backend", "method"), PAIRS)
@settings(deadline=None, max_examples=25)
@given(batch=batches(), thr=st.sampled_from([0.5, 0.9]), most=st.sampled_from([3, 20]))
def test_equal_to_the_definition(
    backend: str, method: str, batch: PoseBatch, thr: float, most: int
) -> None:
    config = NmsConfig(method=method, thr=thr, max_dets=most, sigma=0.5)
    found = answer(suppress(find_backend(backend, method), batch, config))
    same(found, DEFINITIONS[method](batch, config))


def crowd(seed: int, pictures: int, kind: type[np.floating]) -> PoseBatch:
    """Crowds with near and exact duplicates, tied scores, seventeen joints."""
    rng = np.random.default_rng(seed)
    sizes = rng.geometric(0.08, pictures)
    poses = int(sizes.sum())
    shape = rng.uniform(0, 60, (1, 17, 2))
    people = rng.integers(0, 8, poses)
    centres = np.stack([people * 25.0, people % 3 * 30.0], axis=1)
    jitter = rng.normal(0, 1, (poses, 17, 2)) * rng.choice([0.0, 0.8, 3.0, 9.0], (poses, 1, 1))
    return PoseBatch(
        keypoints=(shape + centres[:, None] + jitter).astype(kind),
        confidences=rng.random((poses, 17)).astype(kind),
        scores=(rng.integers(0, 30, poses) / 30).astype(kind),
        areas=rng.choice([4000.0, 5000.0], poses).astype(kind),
        offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        sigmas=np.array([0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062,
                         0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089]),
    )  # fmt: skip


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("visible", [None, 0.4])
@pytest.mark.parametrize("thr", [0.3, 0.9, 0.98])
def test_numba_keeps_what_hard_keeps(
    kind: type[np.floating], visible: float | None, thr: float
) -> None:
    batch = crowd(0, 1000, kind)
    config = NmsConfig(thr=thr, oks_vis_thr=visible)
    plain = suppress(find_backend("hard"), batch, config)
    fast = suppress(find_backend("numba", "hard"), batch, config)
    assert np.array_equal(plain.rows, fast.rows)
    assert np.array_equal(plain.offsets, fast.offsets)
    assert np.array_equal(plain.scores, fast.scores)


def test_numba_at_the_exact_threshold() -> None:
    """Thresholds equal to a pair's OKS, and its neighbours: the last bit decides."""
    batch = crowd(1, 30, np.float64)
    first, last = int(batch.offsets[2]), int(batch.offsets[3])
    values = {oks_by_hand(batch, i, j) for i in range(first, last) for j in range(i)}
    near = sorted(value for value in values if 0.2 < value < 1)[:12]
    assert near
    for value in near:
        for thr in (np.nextafter(value, 0), value, np.nextafter(value, 1)):
            config = NmsConfig(thr=float(thr))
            plain = suppress(find_backend("hard"), batch, config)
            fast = suppress(find_backend("numba", "hard"), batch, config)
            assert np.array_equal(plain.rows, fast.rows)


@pytest.mark.parametrize("backend", ["soft", "matrix", "numba"])
def test_edges(backend: str) -> None:
    found = find_backend(backend)
    config = NmsConfig(method=found.methods[0])
    nothing = batch_of(np.empty((0, 3, 2)), np.empty(0), np.empty(0), [0, 0, 0])
    assert suppress(found, nothing, config).offsets.tolist() == [0, 0, 0]
    one = batch_of(np.ones((1, 3, 2)), [0.7], [10], [0, 0, 1])
    assert answer(suppress(found, one, config)) == [[], [(0, 0.7)]]
    rng = np.random.default_rng(0)
    many = batch_of(
        rng.uniform(0, 900, (500, 3, 2)), rng.random(500), np.full(500, 900.0), [0, 500]
    )
    kept = suppress(found, many, config)
    assert len(kept.rows) == (500 if backend == "numba" else 20)


@pytest.mark.parametrize(("backend", "method"), PAIRS)
def test_exact_duplicates_give_numbers(backend: str, method: str) -> None:
    copies = batch_of(np.full((6, 3, 2), 5.0), [0.9, 0.9, 0.8, 0.8, 0.1, 0.1], [50] * 6, [0, 6])
    kept = suppress(find_backend(backend, method), copies, NmsConfig(method=method))
    assert np.isfinite(kept.scores).all()
    assert kept.rows[0] == 0
    assert kept.scores[0] == 0.9


@pytest.mark.parametrize(("backend", "method"), [("hard", "hard"), ("numba", "hard"), *PAIRS])
def test_input_is_left_untouched(backend: str, method: str) -> None:
    batch = crowd(3, 5, np.float64)
    for name in ("keypoints", "confidences", "scores", "areas", "offsets", "sigmas"):
        getattr(batch, name).setflags(write=False)
    suppress(find_backend(backend, method), batch, NmsConfig(method=method))


def test_the_real_candidates() -> None:
    import msgspec

    file = SHARED_DATA / "coco_dev" / "pose_candidates.json"
    if not file.is_file():
        pytest.skip(f"needs {file}")
    candidates = sorted(msgspec.json.decode(file.read_bytes()), key=lambda c: c["image_id"])
    flat = np.array([c["keypoints"] for c in candidates]).reshape(-1, 17, 3)
    _, sizes = np.unique([c["image_id"] for c in candidates], return_counts=True)
    batch = PoseBatch(
        flat[..., :2], flat[..., 2], np.array([c["score"] for c in candidates]),
        np.array([c["area"] for c in candidates]),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), crowd(0, 1, np.float64).sigmas,
    )  # fmt: skip
    for thr in (0.5, 0.7, 0.9):
        plain = suppress(find_backend("hard"), batch, NmsConfig(thr=thr))
        fast = suppress(find_backend("numba", "hard"), batch, NmsConfig(thr=thr))
        assert np.array_equal(plain.rows, fast.rows)
    assert len(plain.rows) < len(candidates)
