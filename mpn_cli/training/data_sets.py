"""Reading COCO data sets for training."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import cv2
import msgspec
import numpy as np

from mpn_cli.arrays import BoolArray, Picture
from mpn_cli.errors import InputError
from mpn_cli.sources.decoder_lines import heard

_DataSet = TypeVar("_DataSet")


class TrainingDataError(InputError):
    """A data set that can't be trained on; the message says where and why."""


def read_data_set(source: Path, kind: type[_DataSet]) -> tuple[Path, str, _DataSet]:
    """(label file, digest of its content, content) of a COCO keypoint data set.

    source: the JSON file, or a folder holding ``person_keypoints.json``. Raises
    TrainingDataError with one line.
    """
    file = source / "person_keypoints.json" if source.is_dir() else source
    try:
        content = file.read_bytes()
    except OSError as error:
        raise TrainingDataError(f"{file}: {error.strerror}") from error
    try:
        data = msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise TrainingDataError(f"{file}: not a COCO keypoint data set: {error}") from error
    except RecursionError:
        raise TrainingDataError(
            f"{file}: not a COCO keypoint data set: nested too deeply"
        ) from None
    return file, hashlib.sha256(content).hexdigest()[:16], data


def find_pictures(file: Path, names: dict[int, str], ids: Sequence[int]) -> tuple[Path, ...]:
    """Where the pictures of some ids are: in ``images/`` beside the file, else beside it.

    Raises TrainingDataError where one is missing.
    """
    root = file.parent / "images" if (file.parent / "images").is_dir() else file.parent
    missing = [i for i in ids if i not in names or not (root / names[i]).is_file()]
    if missing:
        first = names.get(missing[0], f"image id {missing[0]}")
        raise TrainingDataError(
            f"{file}: {len(missing)} of {len(ids)} pictures are not in {root}/ (first: {first})"
        )
    return tuple(root / names[i] for i in ids)


def read_labelled_picture(path: Path) -> Picture:
    """A picture (H, W, 3) RGB as it is stored. Raises TrainingDataError.

    Labels belong to the stored pixels, so an EXIF orientation must not turn them.
    """
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        with heard():
            picture = cv2.imdecode(np.fromfile(path, dtype=np.uint8), flags)
    except (OSError, cv2.error):
        picture = None
    if picture is None:
        raise TrainingDataError(f"{path}: not a picture that can be read")
    return np.asarray(picture, dtype=np.uint8)


@contextmanager
def unfinished_file(file: Path) -> Iterator[Path]:
    """A name to write ``file`` under; it is renamed when all went well, else removed."""
    unfinished = file.with_suffix(f".{os.getpid()}.tmp")
    try:
        yield unfinished
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


def held_out(pictures: Sequence[Path], every: int) -> BoolArray:
    """(N,) which pictures validate: every ``every``-th, by a hash of its name."""
    return np.array(
        [int(hashlib.sha256(p.name.encode()).hexdigest()[:8], 16) % every == 0 for p in pictures]
    )
