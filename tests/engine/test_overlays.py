"""Overlays drawn from pixels that were kept, and from files read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpn_cli.engine import overlays
from mpn_cli.engine.overlays import KeptPixels, write_overlays
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.layers import resolve
from mpn_cli.options.recipes import make_recipe
from mpn_cli.results.poses import AnnotatedPicture, Pose
from mpn_cli.sources.reading import Decoded, read_picture
from mpn_cli.sources.tasks import Task

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_kept_pixels_give_the_same_overlays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = sorted(EXAMPLES.glob("*.jpg"))[:2]
    tasks = [Task(number, str(file), file.name) for number, file in enumerate(files, 1)]
    pixels = [read_picture(str(file)) for file in files]
    joints = [value for joint in range(17) for value in (50 + 5 * joint, 40 + 9 * joint, 0.9)]
    pictures = [
        AnnotatedPicture(
            task.image_id, task.file_name, one.shape[1], one.shape[0],
            [Pose(joints, 0.9, [45, 35, 100, 170])],
        )
        for task, one in zip(tasks, pixels, strict=True)
    ]  # fmt: skip
    recipe = make_recipe(resolve(AnnotateOptions, {"overlay": True}))
    # There is room for one of the two: the other is read from its file.
    monkeypatch.setattr(overlays, "KEPT_BYTES", pixels[0].nbytes)
    kept = KeptPixels()
    for task, one in zip(tasks, pixels, strict=True):
        kept.keep(task, Decoded.whole(one))
    assert [kept.of(task) is not None for task in tasks] == [True, False]
    for folder, keeper in (("kept", kept), ("read", KeptPixels())):
        write_overlays(tmp_path / folder, tasks, pictures, recipe, keeper)
    drawn = [sorted((tmp_path / folder).rglob("*.jpg")) for folder in ("kept", "read")]
    assert [file.name for file in drawn[0]] == [file.name for file in files]
    assert [f.read_bytes() for f in drawn[0]] == [f.read_bytes() for f in drawn[1]]


def test_a_smaller_copy_is_not_kept() -> None:
    task = Task(1, "a.jpg", "a.jpg")
    kept = KeptPixels()
    kept.keep(task, Decoded(read_picture(str(EXAMPLES / "000000000785.jpg")), 1280, 850, 2))
    assert kept.of(task) is None
