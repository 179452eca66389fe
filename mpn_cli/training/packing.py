"""People cut out of their pictures, in a few tar files: a data set that travels.

The files unpack (:func:`unpack`, or any tar) into COCO keypoint data sets of single-person crops,
one for each source. A crop keeps its picture's name, so that the same people are held out for
validation.
"""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import msgspec
import numpy as np

from mpn_cli.base.arrays import Float64Array
from mpn_cli.base.errors import InputError
from mpn_cli.base.skeletons import SKELETONS
from mpn_cli.formats.coco import LABELS, PERSON, PERSON_ID, Category, Image, Person, PoseDataSet
from mpn_cli.geometry.crops import PADDING, regions_of_boxes
from mpn_cli.training.data_sets import read_labelled_picture, to_content
from mpn_cli.training.pose.cache import MARGIN
from mpn_cli.training.pose.people import People, labelled_person, load_people

Report = Callable[[int, int], None]
"""Told how many of how many are done."""

ASPECT = (3, 4)
"""Width to height of the crops, as of the networks' inputs."""

HEIGHT = round(256 * MARGIN)
"""Crops are at most this high: all that training at 256x192 can see."""

QUALITY = 80
"""WebP's, of the crops."""

MOST_MB = 60.0
"""The size of a tar file, at most."""

_END = 20_000
"""Bytes kept free for what ends a tar file."""

TAR = ".tar"
"""What the names of packed data sets end in."""

_NOTE = "packed.json"
"""What an unpacked folder says of the files it comes from."""

_UNFINISHED = ".mpn-unpacking"


def pack(
    sources: Sequence[Path],
    out: Path,
    most_mb: float = MOST_MB,
    height: int = HEIGHT,
    quality: int = QUALITY,
    joints: int = 17,
    report: Report = lambda done, of: None,
) -> list[Path]:
    """Cut the people out of data sets and write them to ``out``/crops-000.tar and so on.

    sources: COCO keypoint data sets; most_mb: size of a file at most; height: of the crops at
    most, in pixels; quality: of their WebP, 1 to 100; joints: of the labels; report: told how many
    of a source's people are done. Returns the files.
    Raises InputError where a source can't be used or a file is there already; then, or when it is
    stopped, nothing that was written stays.
    """
    out.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    tar: tarfile.TarFile | None = None
    filled = 0
    try:
        for name, content in _members(sources, height, quality, joints, report):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            size = len(member.tobuf()) - (-len(content) // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
            if tar is None or filled + size > most_mb * 1e6 - _END:
                if tar is not None:
                    tar.close()
                file = out / f"crops-{len(files):03d}{TAR}"
                tar, filled = _new_tar(file), 0
                files.append(file)
            tar.addfile(member, io.BytesIO(content))
            filled += size
    except BaseException:
        if tar is not None:
            tar.close()
        for file in files:
            file.unlink(missing_ok=True)
        raise
    if tar is not None:
        tar.close()
    return files


def _new_tar(file: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(file, "x")
    except FileExistsError:
        raise InputError(f"{file} is there already; give another --out") from None


@dataclass(frozen=True, slots=True)
class _Crop:
    """Somebody's part of a picture, with labels in its pixels."""

    content: bytes
    """WebP."""
    size: tuple[int, int]
    keypoints: Float64Array
    """(K, 2)."""
    box: Float64Array
    """(4,) x, y, width, height."""


def _members(
    sources: Sequence[Path], height: int, quality: int, joints: int, report: Report
) -> Iterator[tuple[str, bytes]]:
    """Names and contents of all that is packed; the labels of each source come last."""
    for number, source in enumerate(sources):
        people = load_people(source, joints)
        folder = f"{number}-{source.absolute().stem}"
        images: list[Image] = []
        annotations: list[Person] = []
        for row, crop in enumerate(_crops(people, height, quality)):
            name = f"{row}/{people.pictures[people.picture_rows[row]].path.name}"
            yield f"{folder}/images/{name}", crop.content
            images.append(Image(row + 1, name, *crop.size, labels_complete=False))
            annotations.append(
                labelled_person(
                    row + 1,
                    row + 1,
                    crop.box.round(2),
                    crop.keypoints.round(2),
                    people.weights[row],
                    area=float(crop.box[2] * crop.box[3]),
                )
            )
            report(row + 1, len(people))
        names = list(SKELETONS[joints].keypoints)
        labels = PoseDataSet(
            images=images,
            annotations=annotations,
            categories=[Category(PERSON_ID, PERSON, names)],
        )
        yield f"{folder}/{LABELS}", msgspec.json.encode(to_content(labels))


def _crops(people: People, height: int, quality: int) -> Iterator[_Crop]:
    threads = ThreadPoolExecutor()
    try:
        yield from threads.map(lambda row: _cut(people, row, height, quality), range(len(people)))
    finally:
        threads.shutdown(cancel_futures=True)


def _cut(people: People, row: int, height: int, quality: int) -> _Crop:
    picture = read_labelled_picture(people.pictures[people.picture_rows[row]])
    regions = regions_of_boxes(people.boxes[row : row + 1], ASPECT, PADDING * MARGIN)
    low = np.floor(regions.centres[0] - regions.sizes[0] / 2).astype(int)
    high = np.ceil(regions.centres[0] + regions.sizes[0] / 2).astype(int) + 1
    whole = np.array(picture.shape[1::-1])
    left, top = first = low.clip(0, whole - 1)  # a box beside its picture keeps one pixel of it
    right, bottom = high.clip(first + 1, whole)
    cut = picture[top:bottom, left:right]
    scale = min(1.0, height / (high[1] - low[1]))
    size = (max(2, round(cut.shape[1] * scale)), max(2, round(cut.shape[0] * scale)))
    small = cv2.resize(cut, size, interpolation=cv2.INTER_AREA) if scale < 1 else cut
    _, coded = cv2.imencode(
        ".webp", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, quality]
    )
    # cv2.resize keeps the picture's outer edges in place, half a pixel beyond the outer centres.
    factor = np.array(small.shape[1::-1]) / np.array(cut.shape[1::-1])
    keypoints = (people.keypoints[row] - first + 0.5) * factor - 0.5
    keypoints[people.weights[row] == 0] = 0
    box = people.boxes[row].copy()
    box[:2] = (box[:2] - first) * factor
    box[2:] *= factor
    return _Crop(coded.tobytes(), (small.shape[1], small.shape[0]), keypoints, box)


def unpack(files: Sequence[Path], folder: Path) -> list[Path]:
    """The data sets of some tar files, in the order they were packed in.

    They are unpacked into ``folder``, whole or not at all; where that was done before, nothing is
    read. Raises InputError where a file can't be read, one is missing, two hold the same, or the
    folder holds something else.
    """
    note = msgspec.json.encode(sorted((file.name, _size(file)) for file in files))
    if not folder.exists():
        unfinished = folder.with_name(_UNFINISHED)
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        try:
            _extract(files, unfinished)
            (unfinished / _NOTE).write_bytes(note)
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    elif not (folder / _NOTE).is_file() or (folder / _NOTE).read_bytes() != note:
        raise InputError(f"{folder}/ is there already, with other content; give another --out")
    return _data_sets(folder)


def unpacked(sources: Sequence[Path], folder: Path) -> list[Path]:
    """The sources with tar files replaced by the data sets that they hold.

    All tar files together are unpacked into ``folder``; their data sets stand where the first of
    them stood. Raises InputError as :func:`unpack`.
    """
    tars = [source for source in sources if source.suffix == TAR]
    if not tars:
        return list(sources)
    place = sources.index(tars[0])
    others = [source for source in sources if source.suffix != TAR]
    return [*others[:place], *unpack(tars, folder), *others[place:]]


def _data_sets(folder: Path) -> list[Path]:
    found = [path.parent for path in folder.glob(f"*/{LABELS}")]
    return sorted(found, key=lambda path: int(path.name.split("-")[0]))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None


def _extract(files: Sequence[Path], folder: Path) -> None:
    names: set[str] = set()
    for file in files:
        try:
            with tarfile.open(file) as tar:
                for member in tar:
                    if member.name in names:
                        raise InputError(f"{file} holds {member.name}, and so does another file")
                    names.add(member.name)
                    tar.extract(member, folder, filter="data")
        except (tarfile.TarError, EOFError) as error:
            raise InputError(f"{file}: not a whole tar file of mpn pack: {error}") from None
    tops = {PurePosixPath(name).parts[0] for name in names}
    strangers = sorted(top for top in tops if not top.split("-")[0].isdecimal())
    if strangers or not tops:
        what = f"holds {strangers[0]}" if strangers else "is empty"
        raise InputError(f"{files[0]}: not a tar file of mpn pack: {what}")
    for top in sorted(tops):
        if f"{top}/{LABELS}" not in names:
            raise InputError(
                f"{files[-1]}: the labels of {top} are in none of the files; name all that mpn"
                " pack wrote"
            )
