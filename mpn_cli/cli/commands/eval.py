"""``mpn eval``: how good results are, and why."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mpn_cli.base.errors import InputError
from mpn_cli.cli import console
from mpn_cli.cli.paper_tables import PaperFiles
from mpn_cli.evaluation.files import results_file
from mpn_cli.evaluation.pckh import is_mpii
from mpn_cli.options.evaluating import EvalOptions
from mpn_cli.options.layers import resolve


def evaluate(
    results_files: Sequence[Path], options: Mapping[str, Any], *, as_json: bool, quiet: bool
) -> None:
    """Run the command. Raises InputError for files that can't be evaluated."""
    settings = resolve(EvalOptions, options).settings
    truth = settings.gt
    if truth is None:
        raise InputError("--gt: name the data set with the labels, as --gt person_keypoints.json")
    files = [results_file(file) for file in results_files]
    papers = PaperFiles(settings.markdown, settings.latex, "mpn eval")
    papers.check()
    if is_mpii(truth):
        from mpn_cli.cli.evaluating.mpii import evaluate_mpii

        evaluate_mpii(files, truth, papers, errors=settings.errors, as_json=as_json, quiet=quiet)
        return
    from mpn_cli.cli.evaluating.assessment import as_json as to_object
    from mpn_cli.cli.evaluating.assessment import assess
    from mpn_cli.evaluation.ground_truth import read_ground_truth
    from mpn_cli.evaluation.measuring import check_engine

    check_engine(settings.engine)
    gc.disable()  # millions of numbers are read and none let go: collecting is as slow as reading
    labelled = read_ground_truth(truth, settings.sigmas, settings.category)
    assessed = assess(labelled, files, settings.engine, settings.resamples, errors=settings.errors)
    if papers.markdown or papers.latex:
        from mpn_cli.cli.evaluating.papers import paper_tables

        papers.write(paper_tables(assessed))
    if as_json:
        console.print_json(to_object(labelled, assessed))
    else:
        from mpn_cli.cli.evaluating.tables import print_assessed

        print_assessed(labelled, assessed, quiet=quiet)
