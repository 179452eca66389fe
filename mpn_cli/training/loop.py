"""The training loop: stages of growing input size, averaged weights, exact resume."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch
from mpn_models.weights import save_weights
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mpn_cli.base.files import remove_unfinished, write_file
from mpn_cli.training.batches import Share
from mpn_cli.training.checkpoints import Progress, load_checkpoint, save_checkpoint
from mpn_cli.training.data_sets import TrainingDataError
from mpn_cli.training.group import ALONE, agree, parallel, wait_for_all
from mpn_cli.training.optimizers import make_optimizer
from mpn_cli.training.pose.task import PoseStage, PoseTask
from mpn_cli.training.recipe import Recipe, Stage

CHECKPOINT_SECONDS = 120.0
LOG_STEPS = 50

Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class _Span:
    """A stage with its place among all steps."""

    stage: Stage
    first: int
    last: int


class Trainer:
    """One run in one folder: ``checkpoint.safetensors``, ``best.safetensors``, ``log.jsonl``."""

    def __init__(
        self,
        recipe: Recipe,
        out: Path,
        report: Report,
        minutes: float | None = None,
        share: Share = ALONE,
    ) -> None:
        self.recipe = recipe
        self.share = share
        self.device = _device(recipe.device)
        self.minutes = minutes
        self._started = time.monotonic()
        self._gone = 0.0
        self.out = out
        self.report = report
        torch.manual_seed(recipe.seed)
        self.task = PoseTask(recipe)
        self.network = self.task.network.to(self.device)
        self.parallel = parallel(self.network, share)
        self.average = AveragedModel(
            self.network,
            multi_avg_fn=get_ema_multi_avg_fn(recipe.ema_decay),  # type: ignore[no-untyped-call]
            use_buffers=True,
        )
        self.optimizer = make_optimizer(
            recipe.optimizer, self.network, recipe.learning_rate, recipe.weight_decay
        )
        self.spans = self._spans()
        self.progress = Progress()
        self._stop = False
        self.checkpoint = out / "checkpoint.safetensors"
        if self._first:
            out.mkdir(parents=True, exist_ok=True)
            _claim(out, recipe)
        wait_for_all(share)
        if self.checkpoint.is_file():
            self.progress = load_checkpoint(
                self.checkpoint, self.network, self.average, self.optimizer
            )
        self._first_step = self.progress.step

    @property
    def _first(self) -> bool:
        """Whether this process decides, writes and reports."""
        return self.share.rank == 0

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.spans[-1].last

    @property
    def expected_steps(self) -> int:
        """Steps at the run's end, as far as can be said now: where its minutes end it, fewer."""
        gone = self._time_gone()
        if gone == 0:
            return self.steps
        return min(
            self.steps, self._first_step + round((self.progress.step - self._first_step) / gone)
        )

    def stop(self) -> None:
        """Save and end after the step in hand; may be called from a signal handler."""
        self._stop = True

    def run(self) -> Progress:
        """Train to the end or until stopped; validates at each epoch's end."""
        for span in self.spans:
            if self.progress.step < span.last:
                # Asked of the first process: it may have been stopped since the last step.
                (stop,) = agree(self.share, self._stop)
                if stop:
                    break
                self._run_stage(span)
        self._save()
        wait_for_all(self.share)
        return self.progress

    def _save(self) -> None:
        if self._first:
            save_checkpoint(
                self.checkpoint, self.network, self.average, self.optimizer, self.progress
            )

    def _spans(self) -> list[_Span]:
        per_epoch = self.task.samples // self.recipe.batch
        spans: list[_Span] = []
        first = 0
        for stage in self.recipe.stages:
            last = first + max(1, round(stage.epochs * per_epoch))
            spans.append(_Span(stage, first, last))
            first = last
        return spans

    def _run_stage(self, span: _Span) -> None:
        recipe, size = self.recipe, span.stage.input_size
        if self.progress.step == span.first:
            self.progress.best_ap = -1.0  # AP at another input size is no mark for this one
        data = self._open_stage(size)
        self._gone, stop = agree(self.share, self._time_gone(), self._stop)
        if stop:
            self._stop = True
            return
        started = saved = time.monotonic()
        first = self.progress.step
        losses: list[torch.Tensor] = []
        for batch in data.batches.between(first - span.first, span.last - span.first):
            losses.append(self._step(data, batch))
            self.progress.step += 1
            self._gone, stop = agree(self.share, self._time_gone(), self._stop)
            step, now = self.progress.step, time.monotonic()
            if step % LOG_STEPS == 0:
                rate = (step - first) * recipe.batch / (now - started)
                loss = float(torch.stack(losses).mean())
                self._log(
                    step=step,
                    loss=loss,
                    samples_per_second=rate,
                    learning_rate=self.optimizer.param_groups[0]["lr"],
                )
                losses.clear()
            every = data.batches.steps_per_epoch * recipe.validate_epochs
            timed_out = self._gone >= 1
            if (step - span.first) % every == 0 or step == span.last or timed_out:
                self._validate(data, size)
            if stop or timed_out:
                self._stop = True
                return
            if now - saved > CHECKPOINT_SECONDS:
                self._save()
                saved = now

    def _open_stage(self, size: tuple[int, int]) -> PoseStage:
        """The data of a stage; the first process makes the caches, the others wait for them."""
        if not self._first:
            wait_for_all(self.share)
        data = self.task.open_stage(size, self.out / "cache")
        data.batches.share = self.share
        if self._first:
            wait_for_all(self.share)
        return data

    def _time_gone(self) -> float:
        """The share of the run's minutes that is over; 0 where it may take as long as it takes."""
        return (time.monotonic() - self._started) / 60 / self.minutes if self.minutes else 0.0

    def _step(self, data: PoseStage, batch: Any) -> torch.Tensor:
        done = max(self.progress.step / self.steps, min(self._gone, 1.0))
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.recipe, self.progress.step, done)
        self.network.train()
        # Half precision pays on GPUs; on these cores it was half as fast.
        with torch.autocast(self.device.type, torch.bfloat16, self.device.type == "cuda"):
            loss = data.loss(self.parallel, batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.average.update_parameters(self.network)
        return loss.detach()

    def _validate(self, data: PoseStage, size: tuple[int, int]) -> None:
        if not self._first:
            return
        averaged = self.average.module
        ap = data.validate(averaged)
        save_weights(self.out / "last.safetensors", averaged, self.recipe.model)
        if ap >= self.progress.best_ap:
            self.progress.best_ap = ap
            save_weights(self.out / "best.safetensors", averaged, self.recipe.model)
        self._log(
            step=self.progress.step,
            ap=ap,
            best_ap=self.progress.best_ap,
            input_size=f"{size[1]}x{size[0]}",
        )

    def _log(self, **event: Any) -> None:
        if not self._first:
            return
        event |= {"samples": event["step"] * self.recipe.batch, "steps": self.steps}
        with (self.out / "log.jsonl").open("ab") as log:
            log.write(msgspec.json.encode(event) + b"\n")
        self.report(event)


RECIPE_FILE = "recipe.json"
_OWN_NAMES = (
    RECIPE_FILE,
    "log.jsonl",
    "curves.svg",
    "cache",
    "checkpoint.safetensors",
    "best.safetensors",
    "last.safetensors",
)
"""What a run writes into OUT."""


def _claim(out: Path, recipe: Recipe) -> None:
    """Note in OUT what is trained there.

    Raises TrainingDataError if that is something else, or files of somebody else have the names
    that a run uses.
    """
    content = msgspec.json.encode(recipe, enc_hook=str)
    note = out / RECIPE_FILE
    wanted: dict[str, Any] = msgspec.json.decode(content)
    try:
        theirs = msgspec.json.decode(note.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError):
        theirs = {}
    if not {"data", "stages", "model"} <= theirs.keys():
        strangers = [name for name in _OWN_NAMES if os.path.lexists(out / name)]
        if strangers:
            raise TrainingDataError(
                f"{out / strangers[0]} is there already, which mpn did not write; give another"
                " --out"
            )
        write_file(note, msgspec.json.format(content))
        return
    for name, value in wanted.items():
        if theirs.get(name, value) != value:
            raise TrainingDataError(
                f"{out}/ holds another run ({name.replace('_', ' ')} {theirs.get(name)}, not"
                f" {value}); give another --out"
            )
    for folder in (out, out / "cache"):
        remove_unfinished(folder)


def _device(name: str) -> torch.device:
    """Raises TrainingDataError for one that is not here."""
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise TrainingDataError(f"--device {name}: {str(error).splitlines()[0]}") from None
    return device


def learning_rate(recipe: Recipe, step: int, done: float) -> float:
    """Linear warm-up, then constant, cosine to 0, or the paper's steps (at 81 % and 95 %).

    ``done``: the share of the run that is over.
    """
    rate = recipe.learning_rate * min(1.0, (step + 1) / max(1, recipe.warmup))
    if recipe.schedule == "cosine":
        return rate * 0.5 * (1 + math.cos(math.pi * done))
    if recipe.schedule == "step":
        return float(rate * 0.1 ** sum(done >= drop / 210 for drop in (170, 200)))
    return rate


def train_share(share: Share, recipe: Recipe, out: Path, minutes: float | None) -> None:
    """What the processes beside the first do: train along, without a word."""
    Trainer(recipe, out, lambda event: None, minutes, share).run()
