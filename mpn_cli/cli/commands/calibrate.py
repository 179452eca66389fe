"""``mpn calibrate``: a network's score model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from mpn_cli.base.choices import JointConfidence, Score
from mpn_cli.base.errors import InputError
from mpn_cli.base.files import write_file
from mpn_cli.base.outputs import check_output
from mpn_cli.calibration.fitting import fit
from mpn_cli.calibration.measuring import Gain, as_fitted, cross_validate
from mpn_cli.calibration.samples import collect
from mpn_cli.cli import console
from mpn_cli.networks.scoring import FORMAT, score_file
from mpn_cli.networks.sources import prepare_estimator
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.layers import resolve
from mpn_cli.options.recipes import make_recipe
from mpn_cli.options.training import CalibrateOptions
from mpn_cli.pipeline.tools import Tools

BATCH = 16


def calibrate(
    data: Sequence[Path],
    held_out: Sequence[Path],
    options: Mapping[str, Any],
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run the command. Raises InputError and PluginError for what can't be used."""
    if not data and not held_out:
        raise InputError("no labelled people: name a data set, or --held-out one")
    settings = resolve(CalibrateOptions, options).settings
    annotating = {
        "model": settings.model,
        "precision": settings.precision,
        "batch": BATCH,
        "device": "cpu",
        "score": Score.PAPER,
        "joint_confidence": JointConfidence.NETWORK,
    }
    recipe = make_recipe(resolve(AnnotateOptions, annotating), labelled=True, boxed=True)
    out = settings.out
    weights = Path(recipe.weights)
    if out is None:
        if not weights.name:
            raise InputError(f"{recipe.model} has no weights file to stand beside: give --out")
        out = score_file(weights)
    check_output(out, FORMAT, "--out")
    prepare_estimator(recipe)
    tools = Tools.load(recipe)
    with console.progress("calibrate", 0, quiet=quiet) as advance:
        samples = collect(data, held_out, tools, lambda done, of: advance(done, "pictures", of))
    gain = cross_validate(samples, tools.skeleton, recipe.kpt_thr)
    everything = samples.kinds >= 0
    fitted = msgspec.structs.replace(
        fit(samples, everything, tools.skeleton, recipe.weights_sha256),
        fitted=as_fitted(samples, gain),
    )
    written = msgspec.json.format(msgspec.json.encode(fitted), indent=0)
    try:
        write_file(out, written + b"\n")
    except OSError as error:
        raise InputError(f"{out}: {error.strerror}") from None
    if as_json:
        console.print_json({"out": str(out), **fitted.fitted, **dataclasses.asdict(gain)})
    elif not quiet:
        _show(gain, fitted.fitted, out)


def _show(gain: Gain, fitted: dict[str, Any], out: Path) -> None:
    table = console.make_table(
        f"Scores of {fitted['people']} people's poses, cross-validated",
        ("", "", "AP", "correlation", "error"),
        numbers_from=2,
    )
    table.caption = (
        "correlation: of score and OKS; error: mean distance of what is said and what is so\n"
        "(expected calibration error)"
    )
    for name, both in gain.boxes.items():
        for when, one in zip(("eq. 6", "expected OKS"), both, strict=True):
            table.add_row(name, when, f"{one.ap:.4f}", f"{one.correlation:.3f}", f"{one.error:.3f}")
    for when, error in zip(("network", "calibrated"), gain.joints, strict=True):
        table.add_row("joints' confidences", when, "", "", f"{error:.3f}")
    console.print_table(table)
    console.print_note(
        f"{out} is written; mpn annotate takes it where it stands beside the weights"
    )
