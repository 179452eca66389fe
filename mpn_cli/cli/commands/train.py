"""``mpn train``: train or fine-tune a pose network."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mpn_models.registry import DEFAULT_MODEL, MODELS

from mpn_cli.base.errors import ExitCode, InputError
from mpn_cli.cli import console
from mpn_cli.cli.commands.stopping import stoppable
from mpn_cli.engine.lock import locked_folder
from mpn_cli.evaluation.plots import draw_curves
from mpn_cli.training.group import processes
from mpn_cli.training.loop import RECIPE_FILE, Trainer, train_share
from mpn_cli.training.memory import keep_memory
from mpn_cli.training.packing import TAR, unpacked
from mpn_cli.training.recipe import Recipe, Stage


def train(
    data: list[Path],
    out: Path,
    mix: str | None,
    stages: str,
    threads: int | None,
    minutes: float | None,
    quiet: bool,
    as_json: bool,
    options: dict[str, Any],
) -> ExitCode:
    """Run the command. Raises InputError for data and options that can't be used."""
    import torch

    keep_memory()
    if threads is not None:
        torch.set_num_threads(threads)
    options["model"] = _model(options["model"])
    options["stages"] = tuple(Stage.parse(stage) for stage in stages.split(","))
    started = time.monotonic()
    packed = any(source.suffix == TAR for source in data)
    recipe = Recipe(data=tuple(data), mix=() if packed else _weights(mix, len(data)), **options)
    with locked_folder(out):
        if packed:
            found = _unpacked(data, out)
            recipe = replace(recipe, data=tuple(found), mix=_weights(mix, len(found)))
        if minutes is not None:
            minutes = max(minutes - (time.monotonic() - started) / 60, 0.01)
        return _train(recipe, out, minutes, quiet, as_json)


def _train(
    recipe: Recipe, out: Path, minutes: float | None, quiet: bool, as_json: bool
) -> ExitCode:
    with (
        console.progress("train", 0, quiet) as advance,
        processes(recipe.processes, train_share, (recipe, out, minutes)) as share,
    ):

        def report(event: dict[str, Any]) -> None:
            if "ap" in event and not quiet:
                console.print_note(f"step {event['step']}: validation AP {event['ap']:.4f}")
            elif "loss" in event:
                advance(event["step"], f"loss {event['loss']:.3f}", trainer.expected_steps)

        trainer = Trainer(recipe, out, report, minutes, share)
        with stoppable(trainer.stop, "stopping after the step in hand; once more stops at once"):
            progress = trainer.run()
    log = out / "log.jsonl"  # not there where it was stopped before anything was told
    if find_spec("matplotlib") is not None and log.is_file():
        draw_curves(log, out / "curves.svg")
    done = progress.step == trainer.steps
    if as_json:
        console.print_json({
            "steps": trainer.steps, "step": progress.step, "best_ap": progress.best_ap,
            "weights": str(out / "best.safetensors"),
        })  # fmt: skip
    elif not quiet:
        state = "done" if done else "stopped; the same command goes on from there"
        reached = (
            f", best validation AP {progress.best_ap:.4f}, weights in {out}/best.safetensors"
            if progress.best_ap >= 0
            else ""  # not one epoch at this input size
        )
        console.print_note(f"{state}: step {progress.step} of {trainer.steps}{reached}")
    return ExitCode.DONE if done else ExitCode.STOPPED


def _unpacked(data: list[Path], out: Path) -> list[Path]:
    """The data sets, those of tar files unpacked into OUT."""
    folder = out / "unpacked"
    if (out / RECIPE_FILE).exists() and not folder.exists():
        raise InputError(
            f"{out}/ holds another run, of data that were not packed; give another --out"
        )
    return unpacked(data, folder)


def _model(named: str | None) -> str:
    """What is trained."""
    if named is not None and named not in MODELS:
        raise InputError(f"--model {named}: not one of {', '.join(MODELS)}")
    return named or DEFAULT_MODEL


def _weights(mix: str | None, data_sets: int) -> tuple[float, ...]:
    if mix is None:
        return (1.0,) * data_sets
    try:
        weights = tuple(float(part) for part in mix.split(","))
    except ValueError:
        raise InputError(f"--mix {mix}: numbers separated by commas, one a data set") from None
    usable = all(0 <= weight < math.inf for weight in weights) and any(weights)
    if len(weights) != data_sets or not usable:
        raise InputError(f"--mix {mix}: {data_sets} numbers, none under 0, not all 0")
    return weights
