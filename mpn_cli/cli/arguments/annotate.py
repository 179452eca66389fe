"""``mpn annotate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mpn_cli.cli.arguments.shared import Json, Quiet

_INPUTS = "Where pictures and boxes come from"
_POSES = "How poses are found"
_RUN = "How the job runs"


def annotate(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Folders, pictures, globs, s3://, gs:// or https:// addresses, .txt lists of"
            " paths, a COCO data set or"
            " detection list, or - for paths on stdin.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Results folder.", show_default="mpn-out")
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(
            help="Picture folder of a COCO file.",
            show_default="images/ beside it",
            rich_help_panel=_INPUTS,
        ),
    ] = None,
    image_info: Annotated[
        str | None,
        typer.Option(
            help="COCO data set that gives a detection list's ids their file names.",
            show_default="numbers in file names",
            rich_help_panel=_INPUTS,
        ),
    ] = None,
    boxes: Annotated[
        str | None,
        typer.Option(
            help="COCO file with the boxes for one picture folder.", rich_help_panel=_INPUTS
        ),
    ] = None,
    person_category: Annotated[
        str | None,
        typer.Option(
            help="Which of a COCO file's categories are people: a name in any case, or an id.",
            show_default="the one called person",
            rich_help_panel=_INPUTS,
        ),
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            help="Finds people where no boxes are given: a name from mpn detectors,"
            " full-image, or onnx:FILE.",
            show_default="person",
            rich_help_panel=_INPUTS,
        ),
    ] = None,
    detector_size: Annotated[
        int | None,
        typer.Option(
            help="Pixels that the built-in detector scales a picture's longer side to;"
            " larger finds more small people, a multiple of 32.",
            show_default="416",
            rich_help_panel=_INPUTS,
        ),
    ] = None,
    bbox_thr: Annotated[
        float | None,
        typer.Option(
            help="Leave out detected boxes with a lower score.",
            show_default="0.2; a detection list's own boxes are all used",
            rich_help_panel=_INPUTS,
        ),
    ] = None,
    box_nms_thr: Annotated[
        float | None,
        typer.Option(
            help="Leave out boxes that overlap a better one more than this (IoU).",
            show_default="0.55",
            rich_help_panel=_INPUTS,
        ),
    ] = None,
    max_boxes: Annotated[
        int | None,
        typer.Option(help="Most boxes a picture.", show_default="100", rich_help_panel=_INPUTS),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Only the first N pictures.", rich_help_panel=_INPUTS),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="A name from mpn models, a weights file, or onnx:FILE.",
            show_default="mobileposenet-256x192",
            rich_help_panel=_POSES,
        ),
    ] = None,
    nms: Annotated[
        str | None,
        typer.Option(
            help="Removes duplicate poses; see mpn backends.",
            show_default="hard; none for a data set's own people",
            rich_help_panel=_POSES,
        ),
    ] = None,
    nms_method: Annotated[
        str | None,
        typer.Option(
            help="Where the backend has several; the first by default.",
            show_default=False,
            rich_help_panel=_POSES,
        ),
    ] = None,
    nms_thr: Annotated[
        float | None,
        typer.Option(
            help="Poses more alike than this (OKS) are duplicates.",
            show_default="0.8",
            rich_help_panel=_POSES,
        ),
    ] = None,
    kpt_thr: Annotated[
        float | None,
        typer.Option(
            help="Joints up to this confidence are not found, and don't count in --score paper.",
            show_default="0.1",
            rich_help_panel=_POSES,
        ),
    ] = None,
    oks_vis_thr: Annotated[
        float | None,
        typer.Option(
            help="OKS over joints more confident than this only.",
            show_default="off",
            rich_help_panel=_POSES,
        ),
    ] = None,
    max_dets: Annotated[
        int | None,
        typer.Option(
            help="Most poses a picture that soft and matrix NMS keep.",
            show_default="20",
            rich_help_panel=_POSES,
        ),
    ] = None,
    pose_thr: Annotated[
        float | None,
        typer.Option(
            help="Leave poses with a lower score out of dataset.json, overlays and the report's"
            " gallery; predictions.json keeps all.",
            show_default="0.35, with --score paper 0.2; 0 for a data set's people and full-image",
            rich_help_panel=_POSES,
        ),
    ] = None,
    flip: Annotated[
        bool | None,
        typer.Option(
            "--flip/--no-flip",
            help="Average with the mirrored crop: twice the work, better poses.",
            show_default="flip",
            rich_help_panel=_POSES,
        ),
    ] = None,
    flip_thr: Annotated[
        float | None,
        typer.Option(
            help="Lowest score of a detected box for --flip; boxes that come with the pictures are"
            " always looked into twice.",
            show_default="0.3",
            rich_help_panel=_POSES,
        ),
    ] = None,
    decode: Annotated[
        str | None,
        typer.Option(help="dark or quarter.", show_default="dark", rich_help_panel=_POSES),
    ] = None,
    score: Annotated[
        str | None,
        typer.Option(
            help="A pose's score: expected-oks, how well it should fit (mpn calibrate), or paper,"
            " eq. 6: the mean confidence times the box's score.",
            show_default="expected-oks, where the network has a score model",
            rich_help_panel=_POSES,
        ),
    ] = None,
    joint_confidence: Annotated[
        str | None,
        typer.Option(
            help="A joint's written confidence: calibrated, its chance of being right, or network,"
            " the heatmap's peak.",
            show_default="calibrated, where the network has a score model",
            rich_help_panel=_POSES,
        ),
    ] = None,
    runtime: Annotated[
        str | None,
        typer.Option(
            help="openvino, torch, or auto: the fastest that is installed.",
            show_default="auto",
            rich_help_panel=_RUN,
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            help="fp32, int8 (faster, a little less exact; openvino only), or auto: the pose"
            " network in fp32, the built-in detector in int8.",
            show_default="auto",
            rich_help_panel=_RUN,
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="cpu, cuda, cuda:0,1 or mps.", show_default="cpu", rich_help_panel=_RUN),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes that share the cores; results are the same with any number.",
            show_default="one a core",
            rich_help_panel=_RUN,
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            help="Crops the network takes at once.", show_default="4", rich_help_panel=_RUN
        ),
    ] = None,
    shard_size: Annotated[
        int | None,
        typer.Option(
            help="Pictures that are finished and kept together.",
            show_default="4 to 32",
            rich_help_panel=_RUN,
        ),
    ] = None,
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume/--no-resume",
            help="Go on where an earlier run stopped, or start over.",
            show_default="resume",
            rich_help_panel=_RUN,
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Run on a Dask cluster: tcp://HOST:8786, a scheduler file, or local.",
            show_default="this machine's processes",
            rich_help_panel=_RUN,
        ),
    ] = None,
    fast_decode: Annotated[
        bool | None,
        typer.Option(
            "--fast-decode/--full-decode",
            help="Decode large JPEGs smaller where crops don't need all their pixels.",
            show_default="full",
            rich_help_panel=_RUN,
        ),
    ] = None,
    overlay: Annotated[
        bool | None,
        typer.Option(
            "--overlay/--no-overlay",
            help="Also write pictures with the poses drawn.",
            show_default="off",
            rich_help_panel=_RUN,
        ),
    ] = None,
    overlay_boxes: Annotated[
        bool | None,
        typer.Option(
            "--overlay-boxes/--no-overlay-boxes",
            help="Overlays with the boxes, too.",
            show_default="off",
            rich_help_panel=_RUN,
        ),
    ] = None,
    overlay_scores: Annotated[
        bool | None,
        typer.Option(
            "--overlay-scores/--no-overlay-scores",
            help="Overlays with the poses' scores, too.",
            show_default="off",
            rich_help_panel=_RUN,
        ),
    ] = None,
    keep_parts: Annotated[
        bool | None,
        typer.Option(
            "--keep-parts/--remove-parts",
            help="Keep finished shards in parts/.",
            show_default="remove",
            rich_help_panel=_RUN,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Say what would be done and how long it may take.",
            rich_help_panel=_RUN,
        ),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find people's poses and write them as COCO keypoint files.

    Example: mpn annotate photos/ -o out --overlay

    Example: mpn annotate detections.json --images val2017/ --image-info instances.json

    Every option may also stand in mpn.toml or in the table tool.mpn of
    pyproject.toml (nms_thr = 0.8), or in a variable (MPN_NMS_THR=0.8); the
    command line wins. Such files can't set resume or cluster, nor an out
    outside the working folder.

    Exit codes: 0 done, 3 done but something was skipped, 2 wrong usage or
    input, 130 stopped and resumable.
    """
    from mpn_cli.cli.commands.annotate import annotate as run

    options = {
        "out": out, "detector": detector, "detector_size": detector_size, "bbox_thr": bbox_thr,
        "box_nms_thr": box_nms_thr,
        "max_boxes": max_boxes, "model": model, "nms": nms, "nms_method": nms_method,
        "nms_thr": nms_thr, "kpt_thr": kpt_thr, "oks_vis_thr": oks_vis_thr, "max_dets": max_dets,
        "pose_thr": pose_thr,
        "flip": flip, "flip_thr": flip_thr, "decode": decode, "score": score,
        "joint_confidence": joint_confidence,
        "batch": batch, "shard_size": shard_size,
        "runtime": runtime, "precision": precision, "device": device,
        "workers": workers, "cluster": cluster,
        "resume": resume,
        "fast_decode": fast_decode, "overlay": overlay, "overlay_boxes": overlay_boxes,
        "overlay_scores": overlay_scores, "keep_parts": keep_parts,
    }  # fmt: skip
    code = run(
        sources, images, image_info, boxes, limit, dry_run, quiet or as_json, as_json, options,
        person_category,
    )  # fmt: skip
    raise typer.Exit(code)
