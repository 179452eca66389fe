"""Files as Windows, pandas and hand-written converters leave them."""

import codecs
from pathlib import Path

import pytest

from mpn_cli.base.errors import InputError
from mpn_cli.formats.coco import BoxDataSet, PoseDataSet
from mpn_cli.formats.files import read_json
from mpn_cli.formats.pose_results import read_results

TEXT = '{"images": [{"id": 1, "file_name": "ü.jpg"}]}'


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    ],
)
def test_byte_order_marks_are_no_content(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(content)
    assert [one.name for one in read_json(file, BoxDataSet, "a data set").images] == ["ü.jpg"]


def test_numbers_in_other_forms(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(
        '{"images": [{"id": 1.0, "file_name": null, "width": "", "height": null}],'
        ' "categories": [{"id": "3", "name": null, "keypoints": null}],'
        ' "annotations": [{"id": null, "image_id": 1.0, "category_id": 3.0, "iscrowd": true,'
        ' "keypoints": null, "bbox": null, "area": "12.5", "num_keypoints": 2.0, "score": NaN}]}'
    )
    data = read_json(file, PoseDataSet, "a data set")
    (image,), (one,) = data.images, data.annotations or []
    assert (image.id, image.name, image.size) == (1, "", None)
    assert (one.image_id, one.category_id, one.iscrowd, one.area) == (1, 3, True, 12.5)
    assert (one.num_keypoints, one.labelled) == (2, 0)


def test_nan_only_matters_where_it_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('[{"image_id": 1, "keypoints": [1, 2, 3], "score": 0.5, "area": NaN}]')
    found = read_results(file)
    assert (found.image_ids, found.scores.tolist(), found.areas) == ([1], [0.5], [None])
    assert found.keypoints.tolist() == [[[1, 2, 3]]]
    file.write_text('[{"image_id": 1, "keypoints": [1, NaN, 3], "score": 0.5}]')
    with pytest.raises(InputError, match=r"a.json: holds NaN or Infinity.*keypoints\[1\]"):
        read_results(file)
    file.write_text('[{"image_id": 1, NaN')
    with pytest.raises(InputError, match=r"a.json: not a list of COCO keypoint results"):
        read_results(file)


@pytest.mark.parametrize("word", ["nan", "-Infinity", "inf"])
def test_texts_that_say_nan_are_no_numbers(tmp_path: Path, word: str) -> None:
    file = tmp_path / "a.json"
    for fields, place in [
        (f'"keypoints": [1, "2.5", 3], "score": "{word}"', "score"),
        (f'"keypoints": [1, "{word}", 3], "score": 0.5', r"keypoints\[1\]"),
        (f'"keypoints": [1, 2, 3], "score": 0.5, "bbox": ["{word}", 1, 2, 3]', r"bbox\[0\]"),
    ]:
        file.write_text(f'[{{"image_id": 1, {fields}}}]')
        with pytest.raises(InputError, match=rf"a.json: not a list .*\$\[0\]\.{place}"):
            read_results(file)
    file.write_text(f'[{{"image_id": "{word}", "keypoints": [1, "2.5", 3], "score": "0.5"}}]')
    found = read_results(file)
    assert (found.image_ids, found.scores.tolist()) == ([word], [0.5])
    assert found.keypoints.tolist() == [[[1, 2.5, 3]]]


def test_what_is_no_text_is_said(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(codecs.BOM_UTF16_LE + b"{")
    with pytest.raises(InputError, match=r"a.json: not a text file"):
        read_results(file)
    with pytest.raises(InputError, match="No such file"):
        read_results(tmp_path / "none.json")
