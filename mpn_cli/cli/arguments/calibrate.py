"""``mpn calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mpn_cli.cli.arguments.shared import Json, Quiet


def calibrate(
    data: Annotated[
        list[Path] | None,
        typer.Argument(
            help="COCO keypoint data sets that the network was not trained on: JSON files, or"
            " folders with person_keypoints.json.",
            show_default=False,
        ),
    ] = None,
    held_out: Annotated[
        list[Path] | None,
        typer.Option(
            help="A data set that it was trained on: only the tenth that mpn train holds out.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="A name from mpn models, a weights file, or onnx:FILE.",
            show_default="mobileposenet-256x192",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The score model.", show_default="beside the weights"),
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="fp32, or int8: faster.", show_default="fp32")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit the scores of a network's poses, and its joints' confidences, to what is right.

    Runs the network on labelled people, in their boxes and in worse ones, and on background; fits
    the expected OKS of a pose and the chance of a joint to be right; says by cross-validation what
    that gives. mpn annotate takes WEIGHTS-score.json beside the weights by itself.

    Example: mpn calibrate coco_more --held-out coco_train --model runs/best.safetensors
    """
    from mpn_cli.cli.commands.calibrate import calibrate as run

    run(data or [], held_out or [], model, out, precision, as_json, quiet or as_json)
