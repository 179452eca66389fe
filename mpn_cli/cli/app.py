"""The command line: parses, calls, prints. No work is done here and nothing heavy imported."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated

import typer

from mpn_cli.base import streams
from mpn_cli.base.errors import ExitCode, InputError, PipeClosedError, as_mpn_error
from mpn_cli.base.stopping import Interruption
from mpn_cli.base.version import __version__
from mpn_cli.cli.arguments.annotate import annotate
from mpn_cli.cli.arguments.calibrate import calibrate
from mpn_cli.cli.arguments.evaluation import evaluate, nms_bench, report
from mpn_cli.cli.arguments.exporting import convert, export
from mpn_cli.cli.arguments.inventory import backends, detectors, doctor, fetch, models
from mpn_cli.cli.arguments.making import label, pack, quantise
from mpn_cli.cli.arguments.train import train

app = typer.Typer(
    name="mpn",
    help="People's poses in folders of pictures, as COCO keypoint files.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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


app.command()(annotate)
app.command()(train)
app.command()(label)
app.command()(pack)
app.command()(calibrate)
app.command()(quantise)
app.command("eval")(evaluate)
app.command()(report)
app.command("nms-bench")(nms_bench)
app.command()(convert)
app.command()(export)
app.command()(models)
app.command()(backends)
app.command()(detectors)
app.command()(fetch)
app.command()(doctor)


def main() -> None:
    """Run the command line; every error is one line and an exit code."""
    # Where a command has no gentler answer to them.
    interruption = Interruption()
    interruption.listen()
    streams.prepare()
    try:
        _check_folder()
        try:
            app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except KeyboardInterrupt:
        _stopped()
    except SystemExit as end:
        # Typer makes this of a KeyboardInterrupt, without a word.
        if end.code == ExitCode.STOPPED and interruption.came:
            _stopped()
        raise
    except Exception as error:
        known = as_mpn_error(error)
        if isinstance(known, PipeClosedError):
            sys.exit(known.exit_code)
        if interruption.came:  # a library that was being loaded made another error of it
            _stopped()
        if known is None:
            _report(error)
        else:
            _fail(str(known), known.exit_code)


def _check_folder() -> None:
    """Raise InputError where the working folder has been deleted: no path leads anywhere."""
    try:
        os.getcwd()
    except FileNotFoundError:
        raise InputError("the working folder was deleted; go to one that is there") from None


def _stopped() -> None:
    _fail("stopped. The same command goes on from there.", ExitCode.STOPPED)


def _fail(message: str, code: ExitCode) -> None:
    from mpn_cli.cli import console

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
