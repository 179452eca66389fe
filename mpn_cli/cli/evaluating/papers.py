"""The tables of ``mpn eval`` that go into files."""

from __future__ import annotations

from collections.abc import Sequence

from mpn_cli.cli.evaluating.assessment import Assessed
from mpn_cli.cli.evaluating.tables import letter, share
from mpn_cli.cli.paper_tables import PaperTable
from mpn_cli.evaluation.matches import NAMES


def paper_tables(assessed: Sequence[Assessed]) -> list[PaperTable]:
    """COCO's ten numbers of each results file with their intervals, and the joints one by one."""
    rows: list[list[str]] = []
    for one in assessed:
        values = one.evaluation.numbers.values()
        rows.append([str(one.results.file), *(f"{value:.3f}" for value in values)])
        if one.intervals:
            ends = [f"{of.low:.3f}\N{EN DASH}{of.high:.3f}" for of in one.intervals]
            rows.append(["95 % interval", *ends])
    several = len(assessed) > 1
    names = [f" {letter(number)}" if several else "" for number in range(len(assessed))]
    joints = [
        [
            of_joint[0].name.replace("_", " "),
            str(of_joint[0].labelled),
            *(value for one in of_joint for value in (share(one.found), share(one.pck))),
        ]
        for of_joint in zip(*(one.breakdown.joints for one in assessed), strict=True)
    ]
    which = "; ".join(f"{letter(n)}: {one.results.file}" for n, one in enumerate(assessed))
    return [
        PaperTable("COCO's keypoint numbers.", ("results", *NAMES), rows),
        PaperTable(
            "Joints found within OKS 0.5 of their label, and PCK@0.2 (of the box's longer side)"
            + (f". {which}." if several else "."),
            ("joint", "labelled", *(f"{what}{of}" for of in names for what in ("OKS 0.5", "PCK"))),
            joints,
        ),
    ]
