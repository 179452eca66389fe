"""The command line: parses, calls, prints. No work is done here and nothing heavy imported."""

from __future__ import annotations

import signal
import sys
import traceback
from typing import Annotated

import typer

from mpn_cli.arguments.annotate import annotate
from mpn_cli.arguments.calibrate import calibrate
from mpn_cli.arguments.evaluation import evaluate, nms_bench, report
from mpn_cli.arguments.inventory import backends, detectors, doctor, fetch, models
from mpn_cli.arguments.train import train
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
app.command()(calibrate)
app.command("eval")(evaluate)
app.command()(report)
app.command("nms-bench")(nms_bench)
app.command()(models)
app.command()(backends)
app.command()(detectors)
app.command()(fetch)
app.command()(doctor)


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
