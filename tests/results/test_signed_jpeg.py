from pathlib import Path

import cv2
import numpy as np
import pytest

from mpn_cli.results.signed_jpeg import is_signed, signed


@pytest.fixture
def jpeg() -> bytes:
    picture = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    return bytes(cv2.imencode(".jpg", picture)[1].tobytes())


def test_a_signed_picture_is_the_same_picture(tmp_path: Path, jpeg: bytes) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(signed(jpeg))
    assert is_signed(file)
    before = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(cv2.imread(str(file)), before)


def test_what_is_not_as_it_was_written_is_not_signed(tmp_path: Path, jpeg: bytes) -> None:
    file = tmp_path / "a.jpg"
    whole = signed(jpeg)
    for other in (jpeg, b"", whole[:-1], whole + b"x", whole[:50] + b"x" + whole[51:],
                  whole[:-9] + b"x" + whole[-8:]):  # fmt: skip
        file.write_bytes(other)
        assert not is_signed(file)
    file.write_bytes(whole)
    (tmp_path / "link.jpg").symlink_to(file)
    assert not is_signed(tmp_path / "link.jpg")
    assert not is_signed(tmp_path)
    assert not is_signed(tmp_path / "none.jpg")
