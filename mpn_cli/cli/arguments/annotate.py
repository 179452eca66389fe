"""``mpn annotate``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mpn_cli.cli.arguments.shared import Json, Quiet
from mpn_cli.cli.generating import with_options
from mpn_cli.options.annotate import INPUTS, RUN, AnnotateOptions


@with_options(AnnotateOptions)
def annotate(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Folders, pictures, videos, globs, s3://, gs:// or https:// addresses, .txt lists"
            " of paths, a COCO data set or detection list, or - for paths on stdin.",
            show_default=False,
        ),
    ],
    *,
    images: Annotated[
        str | None,
        typer.Option(
            help="Picture folder of a COCO file.",
            show_default="images/ beside it",
            rich_help_panel=INPUTS,
        ),
    ] = None,
    image_info: Annotated[
        str | None,
        typer.Option(
            help="COCO data set that gives a detection list's ids their file names.",
            show_default="numbers in file names",
            rich_help_panel=INPUTS,
        ),
    ] = None,
    boxes: Annotated[
        str | None,
        typer.Option(
            help="COCO file with the boxes for one picture folder.", rich_help_panel=INPUTS
        ),
    ] = None,
    person_category: Annotated[
        str | None,
        typer.Option(
            help="Which of a COCO file's categories are people: a name in any case, or an id.",
            show_default="the one called person",
            rich_help_panel=INPUTS,
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first N pictures.", rich_help_panel=INPUTS)
    ] = None,
    start: Annotated[
        str,
        typer.Option(
            "--from",
            help="Of videos: the first second, as 90, 12.5 or 1:30.",
            show_default="the start",
            rich_help_panel=INPUTS,
        ),
    ] = "0",
    end: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="Of videos: the second to stop before.",
            show_default="the end",
            rich_help_panel=INPUTS,
        ),
    ] = None,
    options: dict[str, Any],
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Say what would be done and how long it may take.",
            rich_help_panel=RUN,
        ),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find people's poses and write them as COCO keypoint files.

    Example: mpn annotate photos/ -o out --overlay

    Example: mpn annotate clip.mp4 --fps 10 --track --overlay

    Example: mpn annotate detections.json --images val2017/ --image-info instances.json

    Every option may also stand in mpn.toml or in the table tool.mpn of
    pyproject.toml (nms_thr = 0.8), or in a variable (MPN_NMS_THR=0.8); the
    command line wins. Such files can't set resume or cluster, nor an out
    outside the working folder.

    Exit codes: 0 done, 3 done but something was skipped, 2 wrong usage or
    input, 130 stopped and resumable.
    """
    from mpn_cli.cli.commands.annotate import Sources
    from mpn_cli.cli.commands.annotate import annotate as run

    given = Sources(sources, images, image_info, boxes, person_category, limit, start, end)
    raise typer.Exit(run(given, options, dry_run=dry_run, quiet=quiet or as_json, as_json=as_json))
