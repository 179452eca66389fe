"""``mpn calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mpn_cli.cli.arguments.shared import Json, Quiet
from mpn_cli.cli.generating import with_options
from mpn_cli.options.training import CalibrateOptions


@with_options(CalibrateOptions)
def calibrate(
    data: Annotated[
        list[Path] | None,
        typer.Argument(
            help="COCO keypoint data sets that the network was not trained on: JSON files, or"
            " folders with person_keypoints.json.",
            show_default=False,
        ),
    ] = None,
    *,
    held_out: Annotated[
        list[Path] | None,
        typer.Option(
            help="A data set that it was trained on: only the tenth that mpn train holds out.",
            show_default=False,
        ),
    ] = None,
    options: dict[str, Any],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit the scores of a network's poses, and its joints' confidences, to what is right.

    Runs the network on labelled people, in their boxes and in worse ones, and
    on background. Fits the expected OKS of a pose and the probability that a
    joint is right, and measures the gain by cross-validation. mpn annotate uses
    WEIGHTS-score.json beside the weights automatically.

    Example: mpn calibrate coco_more --held-out coco_train --model runs/best.safetensors
    """
    from mpn_cli.cli.commands.calibrate import calibrate as run

    run(data or [], held_out or [], options, quiet=quiet or as_json, as_json=as_json)
