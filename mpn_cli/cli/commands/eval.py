"""``mpn eval``: how good results are, and why."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.measure import Measurement
from rich.table import Table

from mpn_cli.base.errors import InputError
from mpn_cli.cli import console
from mpn_cli.evaluation.ahead import evaluator
from mpn_cli.evaluation.breakdown import Breakdown, Group, break_down
from mpn_cli.evaluation.coco import Engine, Evaluation
from mpn_cli.evaluation.errors import KINDS, Errors, Kind, Mended, find_errors
from mpn_cli.evaluation.files import results_file
from mpn_cli.evaluation.ground_truth import read_ground_truth
from mpn_cli.evaluation.health import odd_things
from mpn_cli.evaluation.intervals import Interval, intervals
from mpn_cli.evaluation.matches import NAMES
from mpn_cli.evaluation.pckh import Pckh, is_mpii, pckh, read_mpii, read_mpii_results
from mpn_cli.evaluation.reliability import Reliabilities, measure_reliability, nearest_people
from mpn_cli.evaluation.results import Results, read_results
from mpn_cli.options.evaluating import EvalOptions
from mpn_cli.options.layers import resolve

WORST = 10
"""How many of the worst pictures are listed."""


def evaluate(
    results_files: Sequence[Path], options: Mapping[str, Any], *, as_json: bool, quiet: bool
) -> None:
    """Run the command. Raises InputError for files that can't be evaluated."""
    settings = resolve(EvalOptions, options).settings
    truth, engine, resamples = settings.gt, settings.engine, settings.resamples
    if truth is None:
        raise InputError("--gt: name the data set with the labels, as --gt person_keypoints.json")
    files = [results_file(file) for file in results_files]
    gc.disable()  # millions of numbers are read and none let go: collecting is as slow as reading
    if engine not in list(Engine):
        raise InputError(f"--engine {engine}: not one of {', '.join(Engine)}")
    if is_mpii(truth):
        _evaluate_mpii(files, truth, settings.errors, as_json, quiet)
        return
    labelled = read_ground_truth(truth, settings.sigmas, settings.category)
    with evaluator(labelled, Engine(engine), resamples) as ahead:
        ahead.begin(files)
        results = [read_results(file, labelled) for file in files]
        odd = [[*one.notes, *odd_things(one.found(), labelled.labelled())] for one in results]
        nearest = [nearest_people(labelled, one) for one in results]
        measured = [ahead.evaluate(one) for one in results]
    evaluations = [one.evaluation for one in measured]
    draws = [one.draws for one in measured]
    if not resamples or not any(one.matches.groups for one in evaluations):
        draws = []
    spread = [intervals(one) for one in draws]
    parts = [
        break_down(labelled, one, of.matches) for one, of in zip(results, evaluations, strict=True)
    ]
    believed = [
        measure_reliability(labelled, one, of.matches, near)
        for one, of, near in zip(results, evaluations, nearest, strict=True)
    ]
    wanted = results if settings.errors else []
    mistakes = [find_errors(labelled, one, Engine(engine)) for one in wanted]
    change = [intervals(one - draws[0]) for one in draws[1:]]
    if as_json:
        console.print_json(
            _as_json(
                results,
                [[*labelled.notes, *lines] for lines in odd],
                evaluations,
                spread,
                change,
                parts,
                believed,
                mistakes,
            )
        )
        return
    if len(results) == 1:
        _print_numbers(results[0], evaluations[0], spread)
        if not quiet:
            _print_breakdown(parts[0])
            _print_reliability(believed[0])
    else:
        _print_differences(results, evaluations, change)
    for one, of in zip(results, mistakes, strict=False):
        _print_errors(one, of)
    if quiet:
        return
    for line in labelled.notes:
        console.print_note(f"{truth}: {line}")
    for one, lines in zip(results, odd, strict=True):
        for line in lines:
            console.print_note(line if len(results) == 1 else f"{one.file}: {line}")


def _as_json(
    results: Sequence[Results],
    odd: Sequence[list[str]],
    evaluations: Sequence[Evaluation],
    spread: Sequence[list[Interval]],
    change: Sequence[list[Interval]],
    parts: Sequence[Breakdown],
    believed: Sequence[Reliabilities],
    mistakes: Sequence[Errors],
) -> dict[str, Any]:
    """The first file's numbers on top; further files, as differences from it, in ``others``."""
    whole: list[dict[str, Any]] = []
    for number, (one, of) in enumerate(zip(results, evaluations, strict=True)):
        entry: dict[str, Any] = {"results": str(one.file), **of.numbers, "odd": odd[number]}
        if spread:
            entry["intervals"] = _named(spread[number])
        if number and change:
            entry["difference_intervals"] = _named(change[number - 1])
        entry |= asdict(parts[number])
        entry["reliability"] = asdict(believed[number])
        if mistakes:
            entry["errors"] = _errors_as_json(mistakes[number])
        whole.append(entry)
    return whole[0] | ({"others": whole[1:]} if whole[1:] else {})


def _named(spread: Sequence[Interval]) -> dict[str, tuple[float, float]]:
    return {name: (one.low, one.high) for name, one in zip(NAMES, spread, strict=True)}


def _errors_as_json(found: Errors) -> dict[str, Any]:
    return {
        "joints": {kind: found.count(kind) for kind in KINDS},
        "by_joint": found.by_joint,
        "background": len(found.background),
        "doubled": len(found.doubled),
        "missed_people": len(found.missed),
        "ap_mended": found.mended,
        "worst": [asdict(one) for one in found.pictures[:WORST]],
    }


@dataclass(frozen=True)
class _Line:
    """The ten numbers of something, as they are printed."""

    name: str
    numbers: Sequence[str]
    new_group: bool = False
    dim: bool = False


def _print_numbers(
    results: Results, evaluation: Evaluation, spread: Sequence[list[Interval]]
) -> None:
    lines = [_Line("", [f"{value:.3f}" for value in evaluation.numbers.values()])]
    if spread:
        lines += [
            _Line("from", [f"{one.low:.3f}" for one in spread[0]], dim=True),
            _Line("to", [f"{one.high:.3f}" for one in spread[0]], dim=True),
        ]
    caption = "from, to: 95 % of the time with other pictures like these (bootstrap)"
    title = f"{len(results)} poses in {results.file}"
    _print_ten(title, lines, caption if spread else None)


def _print_differences(
    results: Sequence[Results],
    evaluations: Sequence[Evaluation],
    change: Sequence[list[Interval]],
) -> None:
    first = evaluations[0].numbers
    lines = []
    for number, (one, of) in enumerate(zip(results, evaluations, strict=True)):
        console.stdout.print(f"{_letter(number)}: {len(one)} poses in {one.file}", highlight=False)
        lines.append(_Line(_letter(number), [f"{value:.3f}" for value in of.numbers.values()]))
    for number, of in enumerate(evaluations[1:]):
        differences = [f"{of.numbers[name] - first[name]:+.3f}" for name in NAMES]
        lines.append(_Line(f"{_letter(number + 1)}-A", differences, new_group=True))
        if change:
            lines += [
                _Line("from", [f"{one.low:+.3f}" for one in change[number]], dim=True),
                _Line("to", [f"{one.high:+.3f}" for one in change[number]], dim=True),
            ]
    caption = (
        "from, to: 95 % interval of the difference (bootstrap, both on the same pictures);\n"
        "one that holds 0 may be chance"
    )
    _print_ten("", lines, caption if change else None)


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


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else f"#{number + 1}"


def _print_breakdown(parts: Breakdown) -> None:
    joints = console.make_table(
        "By joint", ("", "labelled", "found", "OKS where the person was found")
    )
    for one in parts.joints:
        joints.add_row(one.name, str(one.labelled), _share(one.found), _number(one.similarity))
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
            _share(found.count(kind) / judged),
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
            name, str(all_of_it), *(_share(counts[kind] / max(all_of_it, 1)) for kind in KINDS)
        )
    console.print_table(joints)


def _share(value: float) -> str:
    return f"{value:.1%}" if value >= 0 else "-"


def _number(value: float) -> str:
    return f"{value:.3f}" if value >= 0 else "-"


def _evaluate_mpii(
    files: Sequence[Path], truth: Path, errors: bool, as_json: bool, quiet: bool
) -> None:
    if errors:
        raise InputError("--errors needs a COCO ground truth; MPII has no OKS")
    labelled = read_mpii(truth)
    scores = [pckh(labelled, read_mpii_results(file, labelled)) for file in files]
    if as_json:
        whole = [
            {"results": str(file), **asdict(one)} for file, one in zip(files, scores, strict=True)
        ]
        console.print_json(whole[0] | ({"others": whole[1:]} if whole[1:] else {}))
        return
    table = console.make_table(
        f"PCKh, {scores[0].people} people in {truth}",
        ("", *scores[0].groups, "all @0.5", "@0.1", "mean"),
    )
    for number, one in enumerate(scores):
        table.add_row(_letter(number), *(f"{100 * value:.1f}" for value in _pckh_row(one)))
    for number, file in enumerate(files):
        console.stdout.print(f"{_letter(number)}: {file}", highlight=False)
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
