import hashlib
import json
from pathlib import Path

import pytest

from mpn_cli.engine.parts import part_file, part_pictures, read_header, read_part, write_part
from mpn_cli.results.poses import AnnotatedPicture, Counts, Pose, ShardResult
from mpn_cli.sources.tasks import Skipped


@pytest.fixture
def result() -> ShardResult:
    pose = Pose([1.25, 2.5, 0.9] * 17, 0.75, [0.0, 0.0, 10.0, 20.0])
    pictures = [AnnotatedPicture(n, f"{n}.jpg", 100, 200, [pose] * n) for n in range(4)]
    counts = Counts(full_image=1, boxes_left_out={"crowd": 2}, seconds={"read": 0.5})
    return ShardResult(pictures, [Skipped("/x/9.jpg", "empty", "0 bytes")], counts)


def test_round_trip(tmp_path: Path, result: ShardResult) -> None:
    written = write_part(tmp_path, "job", 5, result)
    assert read_part(tmp_path, "job", 5) == written
    assert (written.counts.pictures, written.counts.people) == (4, 6)
    assert (written.counts, written.skipped) == (result.counts, result.skipped)
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


def in_the_old_form(part: Path) -> None:
    """A part as mpn wrote it when its header held the counts one by one."""
    header, *lines, _ = part.read_bytes().splitlines()
    old = json.loads(header)
    counts = old.pop("counts")
    old |= {name: counts[name] for name in counts}
    content = b"\n".join([json.dumps(old).encode(), *lines]) + b"\n"
    part.write_bytes(content + hashlib.sha256(content).hexdigest().encode() + b"\n")


def test_a_part_with_the_header_of_an_older_version_does_not_count(
    tmp_path: Path, result: ShardResult
) -> None:
    write_part(tmp_path, "job", 0, result)
    in_the_old_form(part_file(tmp_path, 0))
    assert read_part(tmp_path, "job", 0) is None
    assert read_header(tmp_path, "job", 0) is None


def test_counts_of_shards_add_up(result: ShardResult) -> None:
    other = ShardResult(
        result.pictures[:2],
        [],
        Counts(kept_out=3, boxes_left_out={"crowd": 1, "outside": 4}, seconds={"nms": 0.25}),
    )
    both = result + other
    assert [one.image_id for one in both.pictures] == [0, 1, 2, 3, 0, 1]
    assert both.skipped == result.skipped
    assert both.counts == Counts(
        pictures=6,
        people=7,
        full_image=1,
        kept_out=3,
        boxes_left_out={"crowd": 3, "outside": 4},
        seconds={"read": 0.5, "nms": 0.25},
    )
    assert result.counts.boxes_left_out == {"crowd": 2}
