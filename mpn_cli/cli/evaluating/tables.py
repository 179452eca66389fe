"""What ``mpn eval`` prints: the ten numbers, what they are made of, and the mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.measure import Measurement
from rich.table import Table

from mpn_cli.cli import console
from mpn_cli.cli.evaluating.assessment import WORST, Assessed
from mpn_cli.evaluation.breakdown import Breakdown, Group
from mpn_cli.evaluation.errors import KINDS, Errors, Kind, Mended
from mpn_cli.evaluation.ground_truth import GroundTruth
from mpn_cli.evaluation.matches import NAMES
from mpn_cli.evaluation.reliability import Reliabilities
from mpn_cli.evaluation.results import Results


def print_assessed(truth: GroundTruth, assessed: Sequence[Assessed], *, quiet: bool) -> None:
    """Print all of it; quiet: the ten numbers and the mistakes only."""
    if len(assessed) == 1:
        (one,) = assessed
        _print_numbers(one)
        if not quiet:
            _print_breakdown(one.breakdown)
            _print_reliability(one.reliability)
    else:
        _print_differences(assessed)
    for one in assessed:
        if one.errors is not None:
            _print_errors(one.results, one.errors)
    if quiet:
        return
    for line in truth.notes:
        console.print_note(f"{truth.file}: {line}")
    for one in assessed:
        for line in one.odd:
            where = "" if len(assessed) == 1 else f"{one.results.file}: "
            console.print_note(where + line)


@dataclass(frozen=True)
class _Line:
    """The ten numbers of something, as they are printed."""

    name: str
    numbers: Sequence[str]
    new_group: bool = False
    dim: bool = False


def _print_numbers(one: Assessed) -> None:
    lines = [_Line("", [f"{value:.3f}" for value in one.evaluation.numbers.values()])]
    if one.intervals:
        lines += [
            _Line("from", [f"{of.low:.3f}" for of in one.intervals], dim=True),
            _Line("to", [f"{of.high:.3f}" for of in one.intervals], dim=True),
        ]
    caption = "from, to: 95 % of the time with other pictures like these (bootstrap)"
    title = f"{len(one.results)} poses in {one.results.file}"
    _print_ten(title, lines, caption if one.intervals else None)


def _print_differences(assessed: Sequence[Assessed]) -> None:
    first = assessed[0].evaluation.numbers
    lines = []
    for number, one in enumerate(assessed):
        name = letter(number)
        console.stdout.print(
            f"{name}: {len(one.results)} poses in {one.results.file}", highlight=False
        )
        lines.append(_Line(name, [f"{value:.3f}" for value in one.evaluation.numbers.values()]))
    for number, one in enumerate(assessed[1:], 1):
        differences = [f"{one.evaluation.numbers[name] - first[name]:+.3f}" for name in NAMES]
        lines.append(_Line(f"{letter(number)}-A", differences, new_group=True))
        if one.change:
            lines += [
                _Line("from", [f"{of.low:+.3f}" for of in one.change], dim=True),
                _Line("to", [f"{of.high:+.3f}" for of in one.change], dim=True),
            ]
    caption = (
        "from, to: 95 % interval of the difference (bootstrap, both on the same pictures);\n"
        "one that holds 0 may be chance"
    )
    _print_ten("", lines, caption if assessed[-1].change else None)


def _print_ten(title: str, lines: Sequence[_Line], caption: str | None) -> None:
    """A line for each of ``lines``; a column for each where that is too wide. Nothing is cut."""
    if title:
        console.stdout.print(title, style="bold", markup=False, highlight=False, soft_wrap=True)
    table = console.make_table("", ("", *NAMES))
    table.padding = (0, 1, 0, 0)
    for line in lines:
        if line.new_group:
            table.add_section()
        table.add_row(line.name, *line.numbers, style="dim" if line.dim else None)
    if _width(table) > console.stdout.width:
        table = console.make_table("", ("", *(line.name for line in lines)))
        for place, name in enumerate(NAMES):
            table.add_row(name, *(line.numbers[place] for line in lines))
    table.caption = caption
    console.stdout.print(table, width=max(_width(table), console.stdout.width), crop=False)


def _width(table: Table) -> int:
    """Columns that a table takes where nothing is cut, without its title and caption."""
    return Measurement.get(
        console.stdout, console.stdout.options.update(width=10_000), table
    ).maximum


def letter(number: int) -> str:
    """What the results file of that number is called in tables."""
    return chr(ord("A") + number) if number < 26 else f"#{number + 1}"


def _print_breakdown(parts: Breakdown) -> None:
    joints = console.make_table(
        "By joint", ("", "labelled", "found", "PCK@0.2", "OKS where the person was found")
    )
    for one in parts.joints:
        joints.add_row(
            one.name,
            str(one.labelled),
            share(one.found),
            share(one.pck),
            _number(one.similarity),
        )
    joints.caption = (
        "found: within OKS 0.5 of the label, in a pose that is right at OKS 0.5\n"
        "PCK@0.2: within a fifth of the longer side of the person's box"
    )
    console.print_table(joints)
    groups = console.make_table("By size and crowding", ("", "people", "AR", "AP"))
    for group in (*parts.sizes, *parts.crowding):
        groups.add_row(*_group_row(group))
    groups.caption = "AP: over the pictures whose most crowded person is in this group"
    console.print_table(groups)


def _print_reliability(of: Reliabilities) -> None:
    table = console.make_table(
        "Can they be believed?",
        ("between", "joints", "confidence", "right", "poses", "score", "OKS"),
    )
    for joint, pose in zip(of.joints.bins, of.poses.bins, strict=True):
        if joint.count or pose.count:
            cells = [
                cell
                for one in (joint, pose)
                for cell in (
                    (str(one.count), f"{one.stated:.2f}", f"{one.true:.2f}")
                    if one.count
                    else ("-", "", "")
                )
            ]
            table.add_row(f"{joint.low:.1f}-{joint.high:.1f}", *cells)
    table.caption = (
        f"calibration error: joints {_number(of.joints.error)}, poses {_number(of.poses.error)};"
        f" correlation of score and OKS {of.correlation:.3f}\n"
        "right: within OKS 0.5 of the label; OKS: with the person a pose is most like"
    )
    console.print_table(table)


def _group_row(group: Group) -> tuple[str, str, str, str]:
    return group.name, str(group.people), _number(group.ar), _number(group.ap)


def _print_errors(results: Results, found: Errors) -> None:
    judged = max(sum(found.count(kind) for kind in KINDS), 1)
    kinds = console.make_table(
        f"What is wrong in {results.file}", ("", "how many", "of joints", "AP without it")
    )
    for kind in KINDS:
        mended = f"{found.mended[kind]:.3f}" if kind in found.mended else f"{found.ap:.3f}"
        kinds.add_row(
            kind,
            str(found.count(kind)),
            share(found.count(kind) / judged),
            mended if kind is not Kind.GOOD else f"{found.ap:.3f} as it is",
        )
    kinds.add_section()
    for name, count in (
        (Mended.MISSED, len(found.missed)),
        (Mended.BACKGROUND, len(found.background)),
        (Mended.SCORES, None),
    ):
        kinds.add_row(name, "-" if count is None else str(count), "", f"{found.mended[name]:.3f}")
    kinds.add_row("second results of somebody", str(len(found.doubled)), "", "")
    console.print_table(kinds)
    _print_errors_by_joint(found)
    worst = console.make_table(
        "Worst pictures", ("", "people", "missed", "mean OKS", "mostly"), numbers_from=1
    )
    worst.columns[4].justify = "left"
    for one in found.pictures[:WORST]:
        worst.add_row(one.name, str(one.people), str(one.missed), f"{one.oks:.2f}", one.commonest)
    console.print_table(worst)


def _print_errors_by_joint(found: Errors) -> None:
    joints: Table = console.make_table("By joint", ("", "joints", *KINDS))
    for name, counts in found.by_joint.items():
        all_of_it = sum(counts.values())
        joints.add_row(
            name, str(all_of_it), *(share(counts[kind] / max(all_of_it, 1)) for kind in KINDS)
        )
    console.print_table(joints)


def share(value: float) -> str:
    """A share as a percentage; below 0 there is none."""
    return f"{value:.1%}" if value >= 0 else "-"


def _number(value: float) -> str:
    return f"{value:.3f}" if value >= 0 else "-"
