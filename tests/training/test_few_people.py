"""What people bring to train on: few pictures, telephones' pictures, other tools' labels."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from mpn_cli.base.skeletons import COCO
from mpn_cli.training.data_sets import PictureFile, TrainingDataError, held_out
from mpn_cli.training.pose.cache import open_cache
from mpn_cli.training.pose.people import load_people, split_by_picture


def gradient(seed: int) -> np.ndarray:
    """(60, 40, 3): a picture that tells its corners and itself from others."""
    rows, columns = np.mgrid[:60, :40]
    return np.stack([4 * rows, 6 * columns, 0 * rows + seed], axis=2).astype(np.uint8)


def write_set(folder: Path, pictures: int, **changes: Any) -> dict[str, Any]:
    """A person in each picture, 1 to the right of the last."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = {"images": [], "annotations": []}
    for n in range(1, pictures + 1):
        PIL.Image.fromarray(gradient(n)).save(folder / "images" / f"{n}.png")
        content["images"].append({"id": n, "file_name": f"{n}.png", "width": 40, "height": 60})
        content["annotations"].append({
            "id": n, "image_id": n, "category_id": 1, "bbox": [10 + n, 10, 20, 30],
            "keypoints": [v for joint in range(17) for v in (10 + n + joint, 20 + joint, 2)],
        })  # fmt: skip
    content |= changes
    (folder / "person_keypoints.json").write_text(json.dumps(content))
    return content


@pytest.mark.parametrize("pictures", [2, 3, 10, 24])
@pytest.mark.parametrize("every", [1, 2, 10, 1000])
def test_one_validates_and_one_is_trained_on(pictures: int, every: int) -> None:
    files = [PictureFile(Path(f"{n}.png")) for n in range(pictures)]
    chosen = held_out(Path("a.json"), files, every)
    assert 0 < chosen.sum() < pictures
    assert (held_out(Path("a.json"), files[::-1], every)[::-1] == chosen).all()


def test_one_picture_is_too_few(tmp_path: Path) -> None:
    write_set(tmp_path, 1)
    with pytest.raises(TrainingDataError, match=r"1 picture with labels; training needs at least"):
        split_by_picture(load_people(tmp_path, 17), 10)


def test_halves_of_one_size_have_their_own_crops(tmp_path: Path) -> None:
    write_set(tmp_path, 2)
    halves = split_by_picture(load_people(tmp_path, 17), 10)
    crops = [open_cache(half, (64, 64), tmp_path / "cache") for half in halves]
    blue = [int(np.median(np.asarray(one.crops)[..., 2][np.asarray(one.crops)[..., 0] > 0]))
            for one in crops]  # fmt: skip
    assert blue == [int(half.picture_ids[0]) for half in halves]


@pytest.mark.parametrize("size", [(60, 40), (40, 60), (None, None)])
def test_telephones_pictures_are_upright_unless_the_labels_are_not(
    tmp_path: Path, size: tuple[int | None, int | None]
) -> None:
    content = write_set(tmp_path, 2)
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    PIL.Image.fromarray(gradient(1)).save(tmp_path / "images/1.png", exif=exif)
    content["images"][0] |= {"width": size[0], "height": size[1]}
    (tmp_path / "person_keypoints.json").write_text(json.dumps(content))
    people = load_people(tmp_path, 17)
    cache = open_cache(people.where(people.picture_ids == 1), (64, 64), tmp_path / "cache")
    seen = gradient(1) if size == (40, 60) else np.rot90(gradient(1), -1)
    # The crop has at the joint's place in it what the picture has at the label.
    place, cell = people.keypoints[0, 8].astype(int), cache.keypoints[0, 8].round().astype(int)
    found, wanted = cache.crops[0, cell[1], cell[0]], seen[place[1], place[0]]
    assert np.abs(found.astype(int) - wanted).max() < 12


def test_who_is_trained_on(tmp_path: Path) -> None:
    names = [{"id": 1, "name": "horse"}, {"id": 2, "name": "Person"}]
    content = write_set(tmp_path, 3, categories=names)
    people = load_people(tmp_path, 17)
    assert len(people) == 3  # there is but one kind of labels, whatever it is called
    for one in content["annotations"][:2]:
        one["category_id"] = 2
    (tmp_path / "person_keypoints.json").write_text(json.dumps(content))
    assert load_people(tmp_path, 17).picture_ids.tolist() == [1, 2]
    names[1]["name"] = "rider"
    (tmp_path / "person_keypoints.json").write_text(json.dumps(content))
    with pytest.raises(TrainingDataError, match=r"several categories.*: 1 horse, 2 rider"):
        load_people(tmp_path, 17)


def test_joints_are_taken_by_name(tmp_path: Path) -> None:
    write_set(tmp_path, 2)
    as_it_is = load_people(tmp_path, 17).keypoints
    backwards = [name.replace("_", " ").title() for name in COCO.keypoints[::-1]]
    write_set(tmp_path, 2, categories=[{"id": 1, "name": "person", "keypoints": backwards}])
    assert (load_people(tmp_path, 17).keypoints == as_it_is[:, ::-1]).all()


def test_other_tools_files(tmp_path: Path) -> None:
    content = write_set(tmp_path, 2)
    for image in content["images"]:
        image |= {"id": float(image["id"]), "file_name": f"images\\{image['file_name']}"}
    for one in content["annotations"]:
        one |= {"iscrowd": False, "num_keypoints": None, "area": None}
    text = json.dumps(content).encode()
    (tmp_path / "person_keypoints.json").write_bytes(b"\xef\xbb\xbf" + text)
    assert load_people(tmp_path, 17).picture_ids.tolist() == [1, 2]
    (tmp_path / "person_keypoints.json").write_bytes(
        text.replace(b'"bbox": [11, 10, 20, 30]', b'"bbox": [11, 10, 0, 30]')
    )
    with pytest.raises(TrainingDataError, match="annotation 1 has the box"):
        load_people(tmp_path, 17)
