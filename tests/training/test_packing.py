"""People packed into tar files are the same people."""

from pathlib import Path

import numpy as np
import pytest

from mpn_cli.training.packing import pack, unpack
from mpn_cli.training.pose.cache import open_cache
from mpn_cli.training.pose.people import load_people, split_by_picture
from tests.training.test_training import write_data_set


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
