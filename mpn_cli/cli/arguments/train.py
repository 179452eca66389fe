"""``mpn train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mpn_cli.cli.arguments.shared import Json, Quiet


def train(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="COCO keypoint data sets: JSON files, folders with person_keypoints.json, or tar"
            " files of mpn pack; validation people are taken out of the first.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for weights and log.")],
    model: Annotated[
        str | None,
        typer.Option(help="A name from mpn models.", show_default="mobileposenet-256x192"),
    ] = None,
    stages: Annotated[
        str, typer.Option(help="HEIGHTxWIDTH:EPOCHS, small inputs first: they train faster.")
    ] = "128x96:60,192x144:20,256x192:10",
    mix: Annotated[
        str | None,
        typer.Option(help="How often people of each data set are drawn, as 1.5,0.8."),
    ] = None,
    init: Annotated[
        Path | None, typer.Option(help="Weights to start from.", show_default="fresh ones")
    ] = None,
    batch: Annotated[int, typer.Option(min=2, help="People a step.")] = 32,
    optimizer: Annotated[str, typer.Option(help="adamw, adam or muon.")] = "adamw",
    learning_rate: Annotated[float, typer.Option(min=0, help="At its highest.")] = 1e-3,
    weight_decay: Annotated[float, typer.Option(min=0)] = 0.01,
    schedule: Annotated[str, typer.Option(help="cosine, step or constant.")] = "cosine",
    warmup: Annotated[int, typer.Option(min=0, help="Steps of rising learning rate.")] = 300,
    loss: Annotated[
        str, typer.Option(help="cross-entropy or mse (the paper's).")
    ] = "cross-entropy",
    augment: Annotated[
        str, typer.Option(help="paper; light: for short runs; crowd: light, with people pasted in.")
    ] = "paper",
    ema_decay: Annotated[
        float, typer.Option(min=0, max=1, help="Of the averaged weights, per step.")
    ] = 0.998,
    precision: Annotated[
        str, typer.Option(help="fp32, or bf16: wide 1x1 convolutions in bfloat16.")
    ] = "fp32",
    join_head: Annotated[
        bool,
        typer.Option(
            "--join-head",
            help="Train the last block and the head as one product, a fifth faster; for going on"
            " from trained weights: the batch norm between them stays as it is.",
        ),
    ] = False,
    processes: Annotated[
        int,
        typer.Option(min=1, help="Processes that share each batch, each with --threads threads."),
    ] = 1,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads.", show_default="all cores")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 or mps.")] = "cpu",
    minutes: Annotated[
        float | None,
        typer.Option(min=0.01, help="End after so long; the learning rate falls by then."),
    ] = None,
    validate_epochs: Annotated[int, typer.Option(min=1, help="Epochs between validations.")] = 1,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train or fine-tune a network; the same command goes on where it stopped.

    Example: mpn train coco_train lspet --mix 1.5,0.8 -o runs/first

    Writes best.safetensors and last.safetensors (averaged weights),
    checkpoint.safetensors, recipe.json and log.jsonl; curves.svg, where
    matplotlib is installed.
    """
    from mpn_cli.cli.commands.train import train as run

    options = {
        "model": model, "initial_weights": init, "batch": batch,
        "optimizer": optimizer,
        "learning_rate": learning_rate, "weight_decay": weight_decay, "schedule": schedule,
        "warmup": warmup, "loss": loss, "augment": augment, "seed": seed,
        "ema_decay": ema_decay, "precision": precision, "join_head": join_head,
        "processes": processes,
        "device": device, "validate_epochs": validate_epochs,
    }  # fmt: skip
    code = run(data, out, mix, stages, threads, minutes, quiet or as_json, as_json, options)
    raise typer.Exit(code)
