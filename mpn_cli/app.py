"""The command line: parses, calls, prints. No work is done here and nothing heavy imported."""

from __future__ import annotations

import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from mpn_cli.errors import ExitCode, InputError
from mpn_cli.version import __version__

app = typer.Typer(
    name="mpn",
    help="People's poses in folders of pictures, as COCO keypoint files.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Errors only.")]

_INPUTS = "Where pictures and boxes come from"
_POSES = "How poses are found"
_RUN = "How the job runs"


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"mpn {__version__}")
        raise typer.Exit


@app.callback()
def main_options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print version."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show stack traces of errors.")] = False,
) -> None:
    """People's poses in folders of pictures, as COCO keypoint files.

    Example: mpn annotate photos/ -o out
    """


@app.command()
def annotate(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Folders, pictures, globs, .txt lists of paths, a COCO data set or"
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
    detector: Annotated[
        str | None,
        typer.Option(
            help="Finds people where no boxes are given: a name from mpn detectors,"
            " full-image, or onnx:FILE.",
            show_default="person",
            rich_help_panel=_INPUTS,
        ),
    ] = None,
    bbox_thr: Annotated[
        float | None,
        typer.Option(
            help="Leave out detected boxes with a lower score.",
            show_default="0.05; a detection list's own boxes are all used",
            rich_help_panel=_INPUTS,
        ),
    ] = None,
    box_nms_thr: Annotated[
        float | None,
        typer.Option(
            help="Leave out boxes that overlap a better one more than this (IoU).",
            show_default="0.65",
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
            help="Joints up to this confidence don't count in a pose's score.",
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
    flip: Annotated[
        bool | None,
        typer.Option(
            "--flip/--no-flip",
            help="Average with the mirrored crop: twice the work, better poses.",
            show_default="flip",
            rich_help_panel=_POSES,
        ),
    ] = None,
    decode: Annotated[
        str | None,
        typer.Option(help="dark or quarter.", show_default="dark", rich_help_panel=_POSES),
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
            help="fp32, or int8: faster, a little less exact; openvino only.",
            show_default="fp32",
            rich_help_panel=_RUN,
        ),
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

    Every option may also stand in mpn.toml or [tool.mpn] of pyproject.toml (nms_thr = 0.8) or in
    a variable (MPN_NMS_THR=0.8); the command line wins. Exit codes: 0 done, 3 done but something
    was skipped, 2 wrong usage or input, 130 stopped and resumable.
    """
    from mpn_cli.commands.annotate import annotate as run

    options = {
        "out": out, "detector": detector, "bbox_thr": bbox_thr, "box_nms_thr": box_nms_thr,
        "max_boxes": max_boxes, "model": model, "nms": nms, "nms_method": nms_method,
        "nms_thr": nms_thr, "kpt_thr": kpt_thr, "oks_vis_thr": oks_vis_thr, "max_dets": max_dets,
        "flip": flip, "decode": decode, "batch": batch, "shard_size": shard_size,
        "runtime": runtime, "precision": precision, "workers": workers, "resume": resume,
        "fast_decode": fast_decode, "overlay": overlay, "keep_parts": keep_parts,
    }  # fmt: skip
    code = run(
        sources, images, image_info, boxes, limit, dry_run, quiet or as_json, as_json, options
    )
    raise typer.Exit(code)


@app.command()
def train(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="COCO keypoint data sets: JSON files, or folders with person_keypoints.json;"
            " validation people are taken out of the first.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for weights and log.")],
    task: Annotated[str, typer.Option(help="pose, or detect: the person detector.")] = "pose",
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
    optimizer: Annotated[str, typer.Option(help="adamw or adam.")] = "adamw",
    learning_rate: Annotated[float, typer.Option(min=0, help="At its highest.")] = 1e-3,
    weight_decay: Annotated[float, typer.Option(min=0)] = 0.01,
    schedule: Annotated[str, typer.Option(help="cosine, step or constant.")] = "cosine",
    warmup: Annotated[int, typer.Option(min=0, help="Steps of rising learning rate.")] = 300,
    loss: Annotated[
        str, typer.Option(help="cross-entropy or mse (the paper's).")
    ] = "cross-entropy",
    augment: Annotated[str, typer.Option(help="paper, or light: for short runs.")] = "paper",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads.", show_default="all cores")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train or fine-tune a pose network; the same command goes on where it stopped.

    Example: mpn train coco_train lspet --mix 1.5,0.8 -o runs/first

    Writes best.safetensors and last.safetensors (averaged weights), checkpoint.safetensors and
    log.jsonl.
    """
    from mpn_cli.commands.train import train as run

    options = {
        "task": task, "model": model, "initial_weights": init, "batch": batch,
        "optimizer": optimizer,
        "learning_rate": learning_rate, "weight_decay": weight_decay, "schedule": schedule,
        "warmup": warmup, "loss": loss, "augment": augment, "seed": seed,
    }  # fmt: skip
    raise typer.Exit(run(data, out, mix, stages, threads, quiet or as_json, as_json, options))


@app.command("eval")
def evaluate(
    results: Annotated[
        Path, typer.Argument(help="COCO keypoint results, as predictions.json.", show_default=False)
    ],
    gt: Annotated[Path, typer.Option(help="COCO data set with labelled keypoints.")],
    as_json: Json = False,
) -> None:
    """Print COCO's ten keypoint numbers of a results file, by pycocotools.

    Example: mpn eval out/predictions.json --gt person_keypoints.json
    """
    from mpn_cli.commands.eval import evaluate as run

    run(results, gt, as_json)


@app.command("nms-bench")
def nms_bench(
    candidates: Annotated[
        Path | None,
        typer.Argument(
            help="COCO keypoint results with area or bbox.", show_default="seeded crowds"
        ),
    ] = None,
    gt: Annotated[Path | None, typer.Option(help="COCO data set: AP for each backend.")] = None,
    crowd: Annotated[str, typer.Option(help="Poses a picture, in turn.")] = "5,20,100",
    images: Annotated[int, typer.Option(min=1, help="Pictures with crowds.")] = 2000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    backend: Annotated[
        str | None,
        typer.Option(help="Names from mpn backends, as hard,numba.", show_default="all"),
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, help="Times each is timed.")] = 5,
    nms_thr: Annotated[float, typer.Option(min=0, max=1)] = 0.8,
    max_dets: Annotated[int, typer.Option(min=1)] = 20,
    markdown: Annotated[Path | None, typer.Option(help="Also write the table as Markdown.")] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw time against poses a picture, 1 to 500, as .svg, .png or .pdf."),
    ] = None,
    table7: Annotated[
        bool, typer.Option("--table7", help="The paper's Table 7, ours beside theirs.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check the NMS backends against their definitions, then time them.

    Example: mpn nms-bench --crowd 5,50 --images 500

    Example: mpn nms-bench candidates.json --gt person_keypoints.json --table7
    """
    from mpn_cli.commands.nms_bench import nms_bench as run
    from nms_backends.contract import NmsConfig

    config = NmsConfig(thr=nms_thr, max_dets=max_dets)
    run(
        candidates,
        gt,
        crowd,
        images,
        seed,
        backend,
        repeat,
        config,
        markdown,
        plot,
        table7,
        as_json,
    )


@app.command()
def models(as_json: Json = False) -> None:
    """List the pose networks: parameters and multiply-adds, beside the paper's figures.

    Example: mpn models
    """
    from mpn_cli.commands.listing import list_models

    list_models(as_json)


@app.command()
def backends(as_json: Json = False) -> None:
    """List the NMS backends, plug-ins included.

    Example: mpn backends --json
    """
    from mpn_cli.commands.listing import list_plugins
    from nms_backends.registry import BACKENDS

    list_plugins(BACKENDS, "NMS backends", as_json)


@app.command()
def detectors(as_json: Json = False) -> None:
    """List the person detectors, plug-ins included.

    Example: mpn detectors
    """
    from mpn_cli.commands.listing import list_plugins
    from mpn_cli.detectors.registry import DETECTORS

    list_plugins(DETECTORS, "Person detectors", as_json)


@app.command()
def fetch(
    name: Annotated[
        str | None, typer.Argument(help="One of the known networks.", show_default="list them")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fetch a known detector or pose network from where it was published.

    Example: mpn fetch yolox-s

    It is kept in the user's cache; what was cut off goes on, and only a file with the published
    SHA-256 is kept.
    """
    from mpn_cli.commands.fetch import fetch_network

    fetch_network(name, quiet, as_json)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Versions, devices, threads, caches: what to paste into a bug report.

    Example: mpn doctor
    """
    from mpn_cli.commands.doctor import doctor as run

    run(as_json)


def main() -> None:
    """Run the command line; every error is one line and an exit code."""
    # SIGTERM is Ctrl-C wherever a command has no gentler answer to both.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except KeyboardInterrupt:
        _fail("stopped. The same command goes on from there.", ExitCode.STOPPED)
    except (InputError, LookupError) as error:
        # PluginError is a LookupError; a bug's bare KeyError is told apart by its type.
        if type(error) in (KeyError, IndexError):
            _report(error)
        _fail(str(error), ExitCode.USAGE)
    except Exception as error:
        _report(error)


def _fail(message: str, code: ExitCode) -> None:
    from mpn_cli import console

    if "--debug" in sys.argv:
        traceback.print_exc()
    console.print_error(message)
    sys.exit(code)


def _report(error: Exception) -> None:
    _fail(
        f"internal error: {type(error).__name__}: {error}. Please report it with the output of"
        " the same command run as mpn --debug ...",
        ExitCode.INTERNAL,
    )


if __name__ == "__main__":
    main()
