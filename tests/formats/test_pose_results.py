"""Results files read into columns: the same whichever way they have to be read."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mpn_cli.base.errors import InputError
from mpn_cli.formats.pose_results import PoseResults, content_of, read_results


def results(count: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    return [
        {
            "image_id": n // 2, "keypoints": rng.normal(0, 100, 51).tolist(),
            "score": float(rng.random()), "category_id": 1 + n % 2,
            "bbox": rng.uniform(0, 9, 4).tolist() if n % 3 else None,
            "area": 5 if n % 4 else None, "file_name": f"{n}.jpg" if n == 3 else None,
        }
        for n in range(count)
    ]  # fmt: skip


def check(found: PoseResults, wanted: list[dict[str, Any]]) -> None:
    assert len(found) == len(wanted)
    assert found.image_ids == [one["image_id"] for one in wanted]
    assert found.category_ids == [one["category_id"] for one in wanted]
    assert found.keypoints.reshape(len(wanted), -1).tolist() == [one["keypoints"] for one in wanted]
    assert found.scores.tolist() == [one["score"] for one in wanted]
    assert found.boxes == [one["bbox"] for one in wanted]
    assert found.areas == [one["area"] for one in wanted]
    assert found.file_names == {1: "3.jpg"}


def test_columns_hold_the_file_s_numbers_to_the_last_bit(tmp_path: Path) -> None:
    file, wanted = tmp_path / "a.json", results(20)
    file.write_text(json.dumps(wanted, indent=1))
    check(read_results(file), wanted)
    # As texts: what can't be decoded strictly is read in another way.
    texts = [{**one, "score": repr(one["score"])} for one in wanted]
    file.write_text(json.dumps(texts))
    check(read_results(file), wanted)


def test_no_results(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    found = read_results(tmp_path / "a.json", 17)
    assert (len(found), found.keypoints.shape, found.boxed) == (0, (0, 17, 3), True)
    assert content_of(found.keypoints, found.scores, [], []) == []


@pytest.mark.parametrize(
    ("joints", "lengths", "message"),
    [
        (17, [51, 48], "result 1 has 16 joints, the ground truth 17"),
        (17, [50, 51], r"result 0 has 16.6667 joints, the ground truth 17"),
        (None, [51, 51, 0], "result 2 has 0 joints, the first 17"),
        (None, [50], r"result 0 has 16.6667 joints, the first 16"),
    ],
)
def test_all_have_the_same_joints(
    tmp_path: Path, joints: int | None, lengths: list[int], message: str
) -> None:
    poses = [{"image_id": 1, "keypoints": [1.5] * length, "score": 1} for length in lengths]
    (tmp_path / "a.json").write_text(json.dumps(poses))
    whose = "the first" if joints is None else "the ground truth"
    with pytest.raises(InputError, match=rf"a\.json: {message}$"):
        read_results(tmp_path / "a.json", joints, whose)


def test_content_is_what_was_read(tmp_path: Path) -> None:
    wanted = [{**one, "bbox": [1.5, 2, 3, 4]} for one in results(6)]
    (tmp_path / "a.json").write_text(json.dumps(wanted))
    found = read_results(tmp_path / "a.json")
    content = content_of(
        found.keypoints, found.scores, [7] * 6, [2] * 6, [box or [] for box in found.boxes]
    )
    assert content == [
        {"image_id": 7, "category_id": 2, "bbox": [1.5, 2, 3, 4],
         "keypoints": one["keypoints"], "score": one["score"]}
        for one in wanted
    ]  # fmt: skip
