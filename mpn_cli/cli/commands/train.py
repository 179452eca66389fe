"""``mpn train``: train or fine-tune a pose network."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mpn_models.registry import MODELS

from mpn_cli.base.errors import ExitCode, InputError
from mpn_cli.cli import console
from mpn_cli.cli.commands.stopping import stoppable
from mpn_cli.engine.lock import locked_folder
from mpn_cli.evaluation.plots import draw_curves
from mpn_cli.options.layers import resolve
from mpn_cli.options.training import TrainOptions
from mpn_cli.training.group import processes
from mpn_cli.training.loop import RECIPE_FILE, Trainer, train_share
from mpn_cli.training.memory import keep_memory
from mpn_cli.training.packing import TAR, unpacked
from mpn_cli.training.recipe import Recipe, Stage


def train(
    data: list[Path], out: Path, options: Mapping[str, Any], *, quiet: bool, as_json: bool
) -> ExitCode:
    """Run the command. Raises InputError for data and options that can't be used."""
    import torch

    keep_memory()
    started = time.monotonic()
    settings = resolve(TrainOptions, options).settings
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    minutes = settings.minutes
    recipe = _recipe(data, settings)
    with locked_folder(out):
        if any(source.suffix == TAR for source in data):
            found = _unpacked(data, out)
            mix = _weights(settings.mix, len(found))
            recipe = dataclasses.replace(recipe, data=tuple(found), mix=mix)
        if minutes is not None:
            minutes = max(minutes - (time.monotonic() - started) / 60, 0.01)
        return _train(recipe, out, minutes, quiet=quiet, as_json=as_json)


def _train(
    recipe: Recipe, out: Path, minutes: float | None, *, quiet: bool, as_json: bool
) -> ExitCode:
    with (
        console.progress("train", 0, quiet=quiet) as advance,
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
        console.print_json(
            {
                "steps": trainer.steps,
                "step": progress.step,
                "best_ap": progress.best_ap,
                "weights": str(out / "best.safetensors"),
            }
        )
    elif not quiet:
        state = "done" if done else "stopped; the same command goes on from there"
        reached = (
            f", best validation AP {progress.best_ap:.4f}, weights in {out}/best.safetensors"
            if progress.best_ap >= 0
            else ""  # not one epoch at this input size
        )
        console.print_note(f"{state}: step {progress.step} of {trainer.steps}{reached}")
    return ExitCode.DONE if done else ExitCode.STOPPED


def _recipe(data: list[Path], settings: TrainOptions) -> Recipe:
    """What is trained, how, and on what. Raises InputError."""
    if settings.model not in MODELS:
        raise InputError(f"--model {settings.model}: not one of {', '.join(MODELS)}")
    packed = any(source.suffix == TAR for source in data)  # what is in them is not known yet
    named = {field.name for field in dataclasses.fields(Recipe)}
    same = {name: value for name, value in dataclasses.asdict(settings).items() if name in named}
    return Recipe(
        **same
        | {
            "data": tuple(data),
            "mix": () if packed else _weights(settings.mix, len(data)),
            "stages": tuple(Stage.parse(stage) for stage in settings.stages.split(",")),
            "initial_weights": settings.init,
        }
    )


def _unpacked(data: list[Path], out: Path) -> list[Path]:
    """The data sets, those of tar files unpacked into OUT."""
    folder = out / "unpacked"
    if (out / RECIPE_FILE).exists() and not folder.exists():
        raise InputError(
            f"{out}/ holds another run, of data that were not packed; give another --out"
        )
    return unpacked(data, folder)


def _weights(mix: str | None, data_sets: int) -> tuple[float, ...]:
    if mix is None:
        return (1.0,) * data_sets
    try:
        weights = tuple(float(part) for part in mix.split(","))
    except ValueError:
        raise InputError(f"--mix {mix}: numbers separated by commas, one per data set") from None
    usable = all(0 <= weight < math.inf for weight in weights) and any(weights)
    if len(weights) != data_sets or not usable:
        raise InputError(f"--mix {mix}: {data_sets} numbers, none under 0, not all 0")
    return weights
