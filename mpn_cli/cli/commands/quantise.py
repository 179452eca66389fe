"""``mpn quantise``: the int8 form of a weights file."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

from mpn_cli.cli import console
from mpn_cli.networks.quantise import quantise as write_form


def quantise(data: Path, weights: Path, *, as_json: bool, quiet: bool) -> None:
    """Run the command. Raises InputError and WeightsError for what can't be used."""
    # NNCF writes its log and progress to standard output, which is for results.
    with contextlib.redirect_stdout(io.StringIO() if quiet else sys.stderr):
        form = write_form(data, weights)
    if as_json:
        console.print_json({"form": str(form)})
    elif not quiet:
        console.print_note(f"{form} is written; mpn annotate takes it with --precision int8")
