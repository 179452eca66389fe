"""Plots for papers and pages, by matplotlib (the extra ``plots``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import msgspec

from mpn_cli.base.errors import InputError
from mpn_cli.base.files import new_file
from mpn_cli.base.outputs import check_output

MARK = "mpn nms-bench"
"""Stands in every plot's metadata."""

KINDS = (".svg", ".png", ".pdf")


def check_plot(file: Path) -> None:
    """Raise InputError where a plot can't be drawn to ``file``."""
    if file.suffix.lower() not in KINDS:
        raise InputError(f"--plot {file}: not one of {', '.join(KINDS)}")
    check_output(file, MARK, "--plot")
    if find_spec("matplotlib") is None:
        raise InputError("--plot needs matplotlib; pip install 'mobileposenet[plots]'")


def draw_times(sizes: Sequence[int], times: Mapping[str, Sequence[float]], file: Path) -> None:
    """Microseconds per picture against poses per picture, a line for each of ``times``.

    Raises InputError where the file can't be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4.8), layout="constrained")
    axes = figure.add_subplot()
    markers = "osD^v<>pXhP*"
    for number, (name, values) in enumerate(times.items()):
        axes.loglog(sizes, values, marker=markers[number % len(markers)], markersize=4, label=name)
    axes.set_xlabel("poses per picture")
    axes.set_ylabel("µs a picture")
    axes.grid(which="both", alpha=0.2)
    figure.legend(loc="outside right center", fontsize=8)
    try:
        key = "Software" if file.suffix.lower() == ".png" else "Creator"
        with new_file(file) as out:
            figure.savefig(out, format=file.suffix[1:].lower(), metadata={key: MARK})
    except OSError as error:
        raise InputError(f"--plot {file}: {error.strerror}") from None


def draw_curves(log: Path, file: Path) -> None:
    """A training log's loss and validation AP against samples seen, AP by input size.

    Raises InputError where the file can't be written.
    """
    from matplotlib.figure import Figure

    events = [msgspec.json.decode(line) for line in log.read_bytes().splitlines()]
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    losses, aps = figure.subplots(1, 2)
    rows = [(event["samples"], event["loss"]) for event in events if "loss" in event]
    losses.plot(*zip(*rows, strict=True) if rows else ([], []), linewidth=1)
    losses.set_ylabel("loss")
    sizes = dict.fromkeys(event["input_size"] for event in events if "ap" in event)
    for size in sizes:
        points = [(e["samples"], e["ap"]) for e in events if e.get("input_size") == size]
        aps.plot(*zip(*points, strict=True), marker="o", markersize=3, label=size)
    aps.set_ylabel("validation AP")
    if sizes:
        aps.legend(title="input")
    for axes in (losses, aps):
        axes.set_xlabel("samples seen")
        axes.grid(alpha=0.2)
    try:
        with new_file(file) as out:
            figure.savefig(out, format=file.suffix[1:].lower())
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
