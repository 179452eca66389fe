"""``mpn eval`` with MPII's ground truth: PCKh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from mpn_cli.base.errors import InputError
from mpn_cli.cli import console
from mpn_cli.cli.evaluating.tables import letter
from mpn_cli.cli.paper_tables import PaperFiles, PaperTable
from mpn_cli.evaluation.pckh import Pckh, pckh, read_mpii, read_mpii_results


def evaluate_mpii(
    files: Sequence[Path],
    truth: Path,
    papers: PaperFiles,
    *,
    errors: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Print PCKh of results files, and write it into ``papers``. Raises InputError."""
    if errors:
        raise InputError("--errors needs a COCO ground truth; MPII has no OKS")
    labelled = read_mpii(truth)
    scores = [pckh(labelled, read_mpii_results(file, labelled)) for file in files]
    columns = (*scores[0].groups, "all @0.5", "@0.1", "mean")
    cells = [[f"{100 * value:.1f}" for value in _pckh_row(one)] for one in scores]
    papers.write(
        [
            PaperTable(
                f"PCKh of {scores[0].people} people, in percent.",
                ("results", *columns),
                [[str(file), *line] for file, line in zip(files, cells, strict=True)],
            )
        ]
    )
    if as_json:
        whole = [
            {"results": str(file), **asdict(one)} for file, one in zip(files, scores, strict=True)
        ]
        console.print_json(whole[0] | ({"others": whole[1:]} if whole[1:] else {}))
        return
    table = console.make_table(f"PCKh, {scores[0].people} people in {truth}", ("", *columns))
    for number, line in enumerate(cells):
        table.add_row(letter(number), *line)
    for number, file in enumerate(files):
        console.stdout.print(f"{letter(number)}: {file}", highlight=False)
    table.caption = "mean: over the thresholds 0 to 0.5 in steps of 0.01"
    console.print_table(table)
    if quiet:
        return
    if not labelled.head_boxes:
        console.print_note(
            f"{truth} has no head boxes: the head is as long as from upper neck to head top, so"
            " the figures are near MPII's and not the same; gt_valid.mat has them"
        )
    for one in scores:
        if one.without_head:
            console.print_note(f"{one.without_head} people left out: their head is not labelled")
        if one.without_result:
            console.print_note(
                f"{one.without_result} people have no result: their joints are wrong"
            )


def _pckh_row(one: Pckh) -> tuple[float, ...]:
    return (*one.groups.values(), one.total, one.tenth, one.mean)
