"""``mpn train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mpn_cli.cli.arguments.shared import Json, Quiet
from mpn_cli.cli.generating import with_options
from mpn_cli.options.training import TrainOptions


@with_options(TrainOptions)
def train(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="COCO keypoint data sets: JSON files, or folders with person_keypoints.json;"
            " validation people are taken out of the first.",
            show_default=False,
        ),
    ],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for weights and log.")],
    options: dict[str, Any],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train or fine-tune a network; the same command goes on where it stopped.

    Example: mpn train coco_train lspet --mix 1.5,0.8 -o runs/first

    Writes best.safetensors and last.safetensors (averaged weights),
    checkpoint.safetensors, recipe.json and log.jsonl; curves.svg, where
    matplotlib is installed.

    Every option may also stand in the table train of mpn.toml, or in a
    variable (MPN_TRAIN_BATCH=64); the command line wins.
    """
    from mpn_cli.cli.commands.train import train as run

    raise typer.Exit(run(data, out, options, quiet=quiet or as_json, as_json=as_json))
