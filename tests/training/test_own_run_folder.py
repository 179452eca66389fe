"""A training run's OUT: files of somebody else under the names it uses are left alone."""

from pathlib import Path

import pytest

from mpn_cli.training.data_sets import TrainingDataError
from mpn_cli.training.loop import _claim
from mpn_cli.training.recipe import Recipe, Stage


@pytest.mark.parametrize(
    "name", ["recipe.json", "best.safetensors", "log.jsonl", "cache", "curves.svg"]
)
def test_files_of_somebody_else(tmp_path: Path, name: str) -> None:
    recipe = Recipe(data=(tmp_path,), mix=(1.0,), stages=(Stage.parse("64x48:1"),))
    mine = tmp_path / name
    mine.write_text('{"mine": 1}')
    with pytest.raises(TrainingDataError, match="is there already, which mpn did not write"):
        _claim(tmp_path, recipe)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert mine.read_text() == '{"mine": 1}'


def test_the_same_run_goes_on(tmp_path: Path) -> None:
    recipe = Recipe(data=(tmp_path,), mix=(1.0,), stages=(Stage.parse("64x48:1"),))
    _claim(tmp_path, recipe)
    (tmp_path / "log.jsonl").write_text("{}")
    _claim(tmp_path, recipe)
