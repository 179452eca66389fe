"""One declaration of an option serves the command line, files, variables and the Python face."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.main import get_command

from mpn_cli.base.errors import InputError
from mpn_cli.cli.app import app
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.declaring import Declared, options_of
from mpn_cli.options.evaluating import EvalOptions, NmsBenchOptions, ReportOptions
from mpn_cli.options.exporting import ConvertOptions, ExportOptions
from mpn_cli.options.layers import TABLES, resolve
from mpn_cli.options.training import CalibrateOptions, TrainOptions

COMMANDS: dict[str, type[Declared]] = {
    "annotate": AnnotateOptions,
    "train": TrainOptions,
    "calibrate": CalibrateOptions,
    "eval": EvalOptions,
    "report": ReportOptions,
    "nms-bench": NmsBenchOptions,
    "convert": ConvertOptions,
    "export": ExportOptions,
}


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MPN_")]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_line_offers_what_is_declared(name: str) -> None:
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    offered = {parameter.name: parameter for parameter in command.params}
    for option in options_of(COMMANDS[name]):
        assert option.flag in offered[option.name].opts
        assert offered[option.name].help == option.option.help
        assert offered[option.name].default is None  # so that files and variables are asked


@pytest.mark.parametrize("name", COMMANDS)
def test_defaults_are_in_their_own_range(name: str) -> None:
    resolved = resolve(COMMANDS[name], {})
    given = {
        option.name: value
        for option in options_of(COMMANDS[name])
        if (value := getattr(resolved.settings, option.name)) is not None
    }
    assert resolve(COMMANDS[name], given).settings == resolved.settings


def test_every_command_but_annotate_has_a_table() -> None:
    assert set(TABLES) == {options.TABLE for options in COMMANDS.values()} - {""}


def test_the_strongest_layer_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.mpn]\nbatch = 2\nnms_thr = 0.1\n[tool.mpn.eval]\nresamples = 7\ngt = 'a.json'\n"
    )
    (tmp_path / "mpn.toml").write_text("nms_thr = 0.2\n[eval]\ngt = 'b.json'\nsigmas = 'coco'\n")
    monkeypatch.setenv("MPN_NMS_THR", "0.3")
    monkeypatch.setenv("MPN_EVAL_SIGMAS", "mpii")
    annotate = resolve(AnnotateOptions, {"pose_thr": 0.4})
    assert (annotate.settings.batch, annotate.settings.nms_thr) == (2, 0.3)
    assert annotate.origins["batch"] == "pyproject.toml"
    assert annotate.origins["nms_thr"] == "environment"
    assert annotate.origins["pose_thr"] == "command line"
    assert annotate.is_default("kpt_thr")
    evaluated = resolve(EvalOptions, {"resamples": 9}).settings
    assert (evaluated.resamples, evaluated.gt) == (9, Path("b.json"))
    assert evaluated.sigmas == "mpii"


@pytest.mark.parametrize(
    ("declared", "text", "message"),
    [
        (EvalOptions, "[eval]\nresamples = -1\n", r"mpn.toml \[eval\]: --resamples: .* \(got -1\)"),
        (EvalOptions, "[eval]\ngtt = 'x'\n", r"mpn.toml \[eval\]: --gtt: unknown option"),
        (EvalOptions, "eval = 3\n", "eval is a table, not 3"),
        (AnnotateOptions, "eval = 3\n", "mpn.toml: --eval: unknown option"),
        (AnnotateOptions, "resume = false\n", "--resume can't be set in a file"),
        (ReportOptions, "[report]\nimages = 's3://x'\n", "--images can't be set in a file"),
        (NmsBenchOptions, "[nms-bench]\nmarkdown = '../x.md'\n", "--markdown ../x.md leads out"),
        (CalibrateOptions, "[calibrate]\nout = '/tmp/x'\n", "leads out of the working folder"),
    ],
)
def test_what_a_file_may_not_say(
    declared: type[Declared], text: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "mpn.toml").write_text(text)
    with pytest.raises(InputError, match=message):
        resolve(declared, {})


def test_a_table_of_another_command_is_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "mpn.toml").write_text("[eval]\nnonsense = 1\n")
    assert resolve(AnnotateOptions, {}).settings == AnnotateOptions()
    assert resolve(TrainOptions, {}).settings == TrainOptions()
