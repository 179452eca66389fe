"""``mpn convert`` and ``mpn export``: results and networks for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mpn_cli.base.choices import ResultsFormat, Target
from mpn_cli.cli.arguments.shared import Json, Quiet
from mpn_cli.cli.generating import with_options
from mpn_cli.options.exporting import ConvertOptions, ExportOptions


@with_options(ConvertOptions)
def convert(
    results: Annotated[
        Path,
        typer.Argument(
            help="Results folder of mpn annotate, or a COCO data set with keypoints.",
            show_default=False,
        ),
    ],
    *,
    to: Annotated[ResultsFormat, typer.Option(help="The format.", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="The file; a folder for yolo, labelme and openpose.",
            show_default=False,
        ),
    ],
    options: dict[str, Any],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write poses in the formats of other tools.

    yolo: YOLO-pose labels with data.yaml. csv, parquet: tables. labelme: one
    JSON file per picture. cvat: CVAT for images 1.1. openpose: one JSON file
    per picture, BODY_25.

    Example: mpn convert out --to csv -o poses.csv --rows person

    Example: mpn convert person_keypoints.json --to yolo -o yolo-set

    Every option may also stand in the table convert of mpn.toml, or in a
    variable (MPN_CONVERT_ROWS); the command line wins.
    """
    from mpn_cli.cli.commands.convert import convert as run

    run(results, to, out, options, as_json=as_json, quiet=quiet or as_json)


@with_options(ExportOptions)
def export(
    model: Annotated[
        str, typer.Argument(help="A name from mpn models, or a weights file.", show_default=False)
    ],
    *,
    to: Annotated[Target, typer.Option(help="The format.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="The file.", show_default="MODEL.onnx, .xml (and .bin) or .pt"
        ),
    ] = None,
    options: dict[str, Any],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a network as an ONNX, OpenVINO or TorchScript file.

    How crops are cut and joints are read off stands in the file. It is
    compared with the trained network on crops of people before it is written.

    Example: mpn export mobileposenet-256x192 --to onnx -o pose.onnx

    Example: mpn export runs/mine/best.safetensors --to openvino --with-decoding

    mpn annotate --model onnx:pose.onnx runs it. with_decoding may also stand in
    the table export of mpn.toml, or in MPN_EXPORT_WITH_DECODING.
    """
    from mpn_cli.cli.commands.export import export as run

    run(model, to, out, options, as_json=as_json, quiet=quiet or as_json)
