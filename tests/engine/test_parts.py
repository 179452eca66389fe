from pathlib import Path

import pytest

from mpn_cli.engine.parts import part_file, part_pictures, read_part, write_part
from mpn_cli.results.poses import AnnotatedPicture, Pose, ShardResult
from mpn_cli.sources.tasks import Skipped


@pytest.fixture
def result() -> ShardResult:
    pose = Pose([1.25, 2.5, 0.9] * 17, 0.75, [0.0, 0.0, 10.0, 20.0])
    pictures = [AnnotatedPicture(n, f"{n}.jpg", 100, 200, [pose] * n) for n in range(4)]
    return ShardResult(pictures, [Skipped("/x/9.jpg", "empty", "0 bytes")], {"crowd": 2}, 1, {})


def test_round_trip(tmp_path: Path, result: ShardResult) -> None:
    written = write_part(tmp_path, "job", 5, result)
    assert read_part(tmp_path, "job", 5) == written
    assert (written.pictures, written.people) == (4, 6)
    assert written.skipped == result.skipped
    assert list(part_pictures(tmp_path, 5)) == result.pictures
    assert [file.name for file in tmp_path.iterdir()] == ["00000005.jsonl"]


def test_a_part_of_another_job_or_shard_does_not_count(tmp_path: Path, result: ShardResult) -> None:
    write_part(tmp_path, "job", 5, result)
    assert read_part(tmp_path, "another", 5) is None
    part_file(tmp_path, 5).rename(part_file(tmp_path, 6))
    assert read_part(tmp_path, "job", 6) is None


def test_every_torn_part_is_found(tmp_path: Path, result: ShardResult) -> None:
    write_part(tmp_path, "job", 0, result)
    file = part_file(tmp_path, 0)
    content = file.read_bytes()
    for length in range(0, len(content), 7):
        file.write_bytes(content[:length])
        assert read_part(tmp_path, "job", 0) is None
    file.write_bytes(content)
    assert read_part(tmp_path, "job", 0) is not None


def test_every_altered_part_is_found(tmp_path: Path, result: ShardResult) -> None:
    write_part(tmp_path, "job", 0, result)
    file = part_file(tmp_path, 0)
    content = file.read_bytes()
    for position in range(0, len(content), 11):
        altered = bytearray(content)
        altered[position] ^= 4
        file.write_bytes(altered)
        assert read_part(tmp_path, "job", 0) is None
