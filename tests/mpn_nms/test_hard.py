import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpn_nms.contract import NmsConfig, NmsInputError, PoseBatch
from mpn_nms.hard import Hard, NoSuppression
from mpn_nms.registry import find_backend, suppress
from numpy.typing import ArrayLike

SIGMAS = np.array([0.026, 0.079, 0.107])


def batch_of(
    keypoints: np.ndarray, scores: ArrayLike, areas: ArrayLike, offsets: list[int]
) -> PoseBatch:
    keypoints = np.asarray(keypoints, dtype=np.float64)
    return PoseBatch(
        keypoints=keypoints,
        confidences=np.full(keypoints.shape[:2], 0.9),
        scores=np.asarray(scores, dtype=np.float64),
        areas=np.asarray(areas, dtype=np.float64),
        offsets=np.array(offsets, dtype=np.int64),
        sigmas=SIGMAS,
    )


def oks_by_hand(batch: PoseBatch, i: int, j: int) -> float:
    """Equation 9 with COCO's constants, one joint at a time."""
    area = (batch.areas[i] + batch.areas[j]) / 2 + 2**-52
    total = 0.0
    for joint, sigma in enumerate(batch.sigmas):
        dx, dy = batch.keypoints[i, joint] - batch.keypoints[j, joint]
        total += float(np.exp(-(dx * dx + dy * dy) / (2 * area * (2 * sigma) ** 2)))
    return total / len(batch.sigmas)


def greedy_by_hand(batch: PoseBatch, thr: float) -> list[list[int]]:
    """Keep a pose unless a kept better one is more alike than ``thr``."""
    result = []
    for first, last in zip(batch.offsets[:-1], batch.offsets[1:], strict=True):
        kept: list[int] = []
        for row in sorted(range(first, last), key=lambda r: (-batch.scores[r], r)):
            if all(oks_by_hand(batch, better, row) <= thr for better in kept):
                kept.append(row)
        result.append(kept)
    return result


@st.composite
def batches(draw: st.DrawFn) -> PoseBatch:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = draw(st.lists(st.integers(0, 12), min_size=1, max_size=4))
    poses = sum(sizes)
    centres = rng.integers(0, 3, (poses, 1, 2)) * 30.0
    keypoints = centres + rng.normal(0, 4, (poses, 3, 2))
    # Few distinct scores, so that ties are common.
    scores = rng.integers(0, 4, poses) / 4
    areas = rng.uniform(500, 5000, poses)
    return batch_of(keypoints, scores, areas, [0, *np.cumsum(sizes)])


@settings(deadline=None, max_examples=60)
@given(batches(), st.sampled_from([0.3, 0.6, 0.9]))
def test_hard_keeps_what_the_definition_keeps(batch: PoseBatch, thr: float) -> None:
    kept = suppress(Hard(), batch, NmsConfig(thr=thr))
    found = [
        kept.rows[first:last].tolist()
        for first, last in zip(kept.offsets[:-1], kept.offsets[1:], strict=True)
    ]
    assert found == greedy_by_hand(batch, thr)
    assert np.array_equal(kept.scores, batch.scores[kept.rows])


@settings(deadline=None, max_examples=30)
@given(batches())
def test_none_only_orders(batch: PoseBatch) -> None:
    kept = suppress(NoSuppression(), batch, NmsConfig(method="none"))
    assert sorted(kept.rows.tolist()) == list(range(len(batch.scores)))
    assert np.array_equal(kept.offsets, batch.offsets)


def test_oks_equal_to_the_threshold_is_kept() -> None:
    keypoints = np.zeros((2, 3, 2))
    keypoints[1, :, 0] = 3.0
    batch = batch_of(keypoints, [0.9, 0.8], [1000, 1000], [0, 2])
    similarity = float(np.exp(-(9.0) / (2 * (1000 + 2**-52) * (2 * SIGMAS) ** 2)).mean())
    assert len(suppress(Hard(), batch, NmsConfig(thr=similarity)).rows) == 2
    just_below = float(np.nextafter(similarity, 0))
    assert len(suppress(Hard(), batch, NmsConfig(thr=just_below)).rows) == 1


def test_visible_joints_only() -> None:
    keypoints = np.zeros((2, 3, 2))
    keypoints[1, 2] = 500.0
    batch = batch_of(keypoints, [0.9, 0.8], [1000, 1000], [0, 2])
    batch.confidences[1, 2] = 0.1
    assert len(suppress(Hard(), batch, NmsConfig()).rows) == 2
    assert len(suppress(Hard(), batch, NmsConfig(oks_vis_thr=0.2)).rows) == 1
    batch.confidences[1] = 0.1
    assert len(suppress(Hard(), batch, NmsConfig(oks_vis_thr=0.2)).rows) == 2


def test_input_is_left_untouched_and_may_be_strided() -> None:
    rng = np.random.default_rng(0)
    wide = rng.normal(0, 10, (8, 3, 4))
    batch = batch_of(wide[::2, :, ::2], rng.random(4), np.full(4, 900.0), [0, 4])
    batch.keypoints.setflags(write=False)
    before = batch.scores.copy()
    suppress(Hard(), batch, NmsConfig())
    assert np.array_equal(batch.scores, before)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("keypoints", np.full((1, 3, 2), np.nan), "keypoints hold NaN"),
        ("scores", np.array([np.inf]), "scores hold NaN or infinity"),
        ("areas", np.array([0.0]), "area 0"),
        ("confidences", np.zeros((1, 2)), r"confidences are \(1, 2\)"),
        ("offsets", np.array([0, 2]), "offsets must rise from 0 to 1"),
    ],
)
def test_poses_that_no_backend_can_take(field: str, value: np.ndarray, message: str) -> None:
    good = {
        "keypoints": np.zeros((1, 3, 2)),
        "confidences": np.ones((1, 3)),
        "scores": np.ones(1),
        "areas": np.ones(1),
        "offsets": np.array([0, 1]),
        "sigmas": SIGMAS,
    }
    with pytest.raises(NmsInputError, match=message):
        suppress(Hard(), PoseBatch(**{**good, field: value}), NmsConfig())


def test_built_in_backends_come_through_the_registry() -> None:
    assert find_backend("hard", "hard").name == "hard"
    assert find_backend("none").methods == ("none",)
    with pytest.raises(LookupError, match="has no method soft; it has hard"):
        find_backend("hard", "soft")
