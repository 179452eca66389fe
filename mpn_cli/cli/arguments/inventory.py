"""``mpn models``, ``backends``, ``detectors``, ``fetch`` and ``doctor``: what is there."""

from __future__ import annotations

from typing import Annotated

import typer

from mpn_cli.cli.arguments.shared import Json, Quiet

Names = Annotated[bool, typer.Option("--quiet", "-q", help="Names only.")]
Versions = Annotated[bool, typer.Option("--quiet", "-q", help="Versions only.")]


def models(as_json: Json = False, quiet: Names = False) -> None:
    """List the pose networks: parameters and multiply-adds, beside the paper's figures.

    Example: mpn models
    """
    from mpn_cli.cli.commands.listing import list_models

    list_models(as_json=as_json, quiet=quiet)


def backends(as_json: Json = False, quiet: Names = False) -> None:
    """List the NMS backends, plug-ins included.

    Example: mpn backends --json
    """
    from mpn_nms.registry import BACKENDS

    from mpn_cli.cli.commands.listing import list_plugins

    list_plugins(BACKENDS, "NMS backends", as_json=as_json, quiet=quiet)


def detectors(as_json: Json = False, quiet: Names = False) -> None:
    """List the person detectors, plug-ins included.

    Example: mpn detectors
    """
    from mpn_cli.cli.commands.listing import list_plugins
    from mpn_cli.detectors.registry import DETECTORS

    list_plugins(DETECTORS, "Person detectors", as_json=as_json, quiet=quiet)


def fetch(
    name: Annotated[
        str | None, typer.Argument(help="One of the known networks.", show_default="list them")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fetch a known detector or pose network from where it was published.

    Example: mpn fetch yolox-s

    The file is kept in the user's cache. An interrupted download is resumed,
    and only a file with the published SHA-256 is accepted.
    """
    from mpn_cli.cli.commands.fetch import fetch_network

    fetch_network(name, quiet=quiet, as_json=as_json)


def doctor(as_json: Json = False, quiet: Versions = False) -> None:
    """Versions, devices, threads, caches: what to paste into a bug report.

    Example: mpn doctor
    """
    from mpn_cli.cli.commands.doctor import doctor as run

    run(as_json=as_json, quiet=quiet)
