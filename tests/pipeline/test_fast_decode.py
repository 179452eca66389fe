import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mpn_cli import Annotator
from mpn_cli.sources.reading import UnreadableError, read_picture, read_reduced
from tests.conftest import ROOT

EXAMPLES = ROOT / "examples"
TIMES = 4


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """An example picture four times as large, and its people's boxes."""
    people = json.loads((EXAMPLES / "people.json").read_text())
    number = people[0]["image_id"]
    picture = cv2.imread(str(EXAMPLES / f"{number:012d}.jpg"))
    assert picture is not None
    file = tmp_path_factory.mktemp("large") / "large.jpg"
    cv2.imwrite(str(file), cv2.resize(picture, None, fx=TIMES, fy=TIMES), [1, 95])
    boxes = [one["bbox"] for one in people if one["image_id"] == number]
    return file, TIMES * np.array(boxes)


@pytest.mark.parametrize(("allowed", "reduction"), [(1.9, 1), (2, 2), (3.9, 2), (4, 4), (100, 8)])
def test_how_far_a_jpeg_is_shrunk(
    large: tuple[Path, np.ndarray], allowed: float, reduction: int
) -> None:
    file, _ = large
    found = read_reduced(str(file), lambda width, height: allowed)
    whole = read_picture(str(file))
    assert (found.height, found.width) == whole.shape[:2]
    assert found.reduction == reduction
    assert found.pixels.shape[0] == -(-whole.shape[0] // reduction)
    smaller = cv2.resize(whole, found.pixels.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(found.pixels.astype(float) - smaller).mean() < 3


def test_orientation_and_other_formats(tmp_path: Path, large: tuple[Path, np.ndarray]) -> None:
    with Image.open(large[0]) as picture:
        exif = picture.getexif()
        exif[0x0112] = 6  # turned by 90 degrees
        picture.save(tmp_path / "turned.jpg", exif=exif)
        picture.crop((0, 0, 400, 300)).save(tmp_path / "a.png")
    turned = read_reduced(str(tmp_path / "turned.jpg"), lambda width, height: 2)
    whole = read_picture(str(tmp_path / "turned.jpg"))
    assert (turned.height, turned.width, turned.reduction) == (*whole.shape[:2], 2)
    assert turned.pixels.shape[0] == -(-whole.shape[0] // 2)
    assert read_reduced(str(tmp_path / "a.png"), lambda width, height: 8).reduction == 1
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    with pytest.raises(UnreadableError):
        read_reduced(str(tmp_path / "bad.jpg"), lambda width, height: 8)


def test_poses_stay_where_they_are(large: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    file, boxes = large
    slow, fast = (
        Annotator(fast_decode=fast, nms="none").annotate(str(file), boxes) for fast in (False, True)
    )
    reduced = read_reduced(str(file), lambda width, height: 2)
    assert reduced.reduction == 2
    order = [[one.boxes.tolist().index(box.tolist()) for box in boxes] for one in (slow, fast)]
    sure = slow.confidences[order[0]] > 0.3
    shift = fast.keypoints[order[1]] - slow.keypoints[order[0]]
    sizes = boxes[:, 3][:, None]
    assert (np.abs(shift[..., 0])[sure] / np.broadcast_to(sizes, sure.shape)[sure]).mean() < 0.01
    assert np.abs(shift[sure].mean(axis=0) / boxes[:, 3].mean()).max() < 0.003  # no drift
    assert slow.picture_size == fast.picture_size
