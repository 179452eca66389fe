"""``mpn label``, ``pack`` and ``quantise``: data and files made before and after training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mpn_cli.cli.arguments.shared import Json, Quiet


def label(
    data: Annotated[
        Path,
        typer.Argument(
            help="A COCO keypoint data set: a JSON file, or a folder with person_keypoints.json.",
            show_default=False,
        ),
    ],
    predictions: Annotated[
        Path,
        typer.Argument(
            help="The predictions.json of mpn annotate for that data set.", show_default=False
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The new data set's file.", show_default=False)
    ],
    least: Annotated[
        float, typer.Option(min=0, max=1, help="Lowest confidence of a joint that is added.")
    ] = 0.5,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Add found joints to a data set in which they are not labelled.

    Example: mpn label lspet found/predictions.json -o lspet-more.json

    For data sets in which visibility 0 means "not labelled". A joint that is
    added counts in training as much as its confidence; labelled joints stay as
    they are, and so do the pictures.
    """
    from mpn_cli.cli.commands.label import label as run

    run(data, predictions, out, least, as_json=as_json, quiet=quiet or as_json)


def pack(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="COCO keypoint data sets: JSON files, or folders with person_keypoints.json.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the tar files.", show_default=False)
    ],
    most_mb: Annotated[float, typer.Option(min=0.1, help="Maximum size of a tar file.")] = 60.0,
    height: Annotated[
        int, typer.Option(min=16, help="Maximum height of a crop, pixels: 1.32 of the input's.")
    ] = 338,
    quality: Annotated[
        int, typer.Option(min=1, max=100, help="Quality of the crops' WebP files.")
    ] = 80,
    joints: Annotated[int, typer.Option(min=1, help="Number of joints in the labels.")] = 17,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Cut the people out of data sets, into tar files that travel.

    Example: mpn pack coco_train lspet -o packed

    On the other machine: mpn train packed/*.tar -o runs/there
    """
    from mpn_cli.cli.commands.pack import pack as run

    run(data, out, most_mb, height, quality, joints, as_json=as_json, quiet=quiet or as_json)


def quantise(
    data: Annotated[
        Path,
        typer.Argument(
            help="A COCO data set with labelled people: a JSON file, or a folder with"
            " person_keypoints.json. The network's values are measured on 300 of its people.",
            show_default=False,
        ),
    ],
    weights: Annotated[
        Path, typer.Option(help="The weights file to quantise.", show_default=False)
    ],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make the int8 form of a weights file, for --precision int8.

    Example: mpn quantise my_data --weights runs/mine/best.safetensors

    Writes WEIGHTS-int8.xml, .bin and .sha256 beside the weights.
    Needs NNCF, which the extra int8 of mobileposenet brings.
    """
    from mpn_cli.cli.commands.quantise import quantise as run

    run(data, weights, as_json=as_json, quiet=quiet or as_json)
