"""``mpn export``: a network of ours as a file for other runtimes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mpn_cli.base.choices import Target
from mpn_cli.base.errors import InputError
from mpn_cli.cli import console
from mpn_cli.networks.exporting import export as write_file
from mpn_cli.networks.sources import OwnNetwork, find_network
from mpn_cli.options.exporting import ExportOptions
from mpn_cli.options.layers import resolve


def export(
    model: str,
    to: Target,
    out: Path | None,
    options: Mapping[str, Any],
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run the command. Raises InputError, PluginError, WeightsError and ExportError."""
    settings = resolve(ExportOptions, options).settings
    network = find_network(model)
    if not isinstance(network, OwnNetwork):
        raise InputError(f"{model} is not a network of mpn's; those are exported")
    file = out or Path(f"{network.weights.stem}{to.suffix}")
    made = write_file(network, to, file, with_decoding=settings.with_decoding)
    if as_json:
        console.print_json(
            {
                "files": [str(one) for one in made.files],
                "difference": made.difference,
                "pixels": made.pixels,
            }
        )
    elif not quiet:
        pixels = "" if made.pixels is None else f", {made.pixels:.0e} pixels"
        names = ", ".join(map(str, made.files))
        console.print_note(f"{names}; largest difference {made.difference:.0e}{pixels}")
