"""What the user sees: tables, progress, and the one way errors are shown."""

from __future__ import annotations

import contextlib
import json
import sys
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from mpn_cli.base.text import printable, to_json

_UNSHOWN = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's control characters, lone surrogates and separators of lines."""

_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction of what follows."""


def shown(text: str, keep: str = "") -> str:
    """Text that is safe to show: control characters are escaped, except those in ``keep``.

    File names may hold anything: escape sequences, line ends, bytes that are not UTF-8.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char.encode("unicode_escape", "surrogatepass").decode()
        if char not in keep and (char in _TURNING or unicodedata.category(char) in _UNSHOWN)
        else char
        for char in printable(text)
    )


class PlainConsole(Console):
    """A console that shows text as it is: no markup, no emoji codes, nothing that steers it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Text without what would steer the terminal."""
        return super().render_str(shown(text, keep="\n"), **options)


stdout = PlainConsole()
stderr = PlainConsole(stderr=True)

_WIDE = 10_000
"""Columns of a terminal that is wide enough for anything."""

LINE_SECONDS = 30.0
"""Without a terminal, one line of progress is printed per this many seconds."""


def print_error(message: str) -> None:
    """One line: what happened, where, what to do."""
    _print_line(f"mpn: {message}", "red")


def print_note(message: str) -> None:
    """A line about the work, apart from the results."""
    _print_line(f"mpn: {message}")


def _print_line(line: str, style: str | None = None) -> None:
    with contextlib.suppress(OSError):  # a closed or full stderr changes no exit code
        stderr.print(shown(line), style=style, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """The one JSON object of ``--json``, in UTF-8 whatever the terminal speaks."""
    text = to_json(value).decode()
    if not (sys.stdout.encoding or "utf-8").lower().startswith("utf"):
        text = json.dumps(json.loads(text))  # escapes what is not ASCII
    print(text, flush=True)


def print_table(table: Table) -> None:
    """A table whose words and numbers are whole; in a narrow terminal its lines are too long."""
    wide = stdout.options.update(width=_WIDE)
    for column in table.columns:
        if column.justify == "right":
            cells = (column.header, *column.cells)
            column.no_wrap = True
            column.min_width = max(Measurement.get(stdout, wide, one).maximum for one in cells)
    least = Measurement.get(stdout, wide, table).minimum
    if least > stdout.width:
        table.width = least
    stdout.print(table, crop=False)


def make_table(title: str, columns: Sequence[str], numbers_from: int = 1) -> Table:
    """A table that fits 80 columns; columns from ``numbers_from`` on stand right."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
    )
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index >= numbers_from else "left")
    return table


class Advance(Protocol):
    """Reports progress."""

    def __call__(self, done: int, detail: str, of: int | None = None) -> None:
        """Report ``done`` items and a few words of detail; ``of``: the total, if it was unknown."""
        ...


class _Speed(ProgressColumn):
    """Pictures per second, over the last half minute."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "", style="progress.data.speed")


@contextmanager
def progress(label: str, total: int, *, quiet: bool) -> Iterator[Advance]:
    """A bar on a terminal, else a line every 30 s, nothing where ``quiet``."""
    if quiet:
        yield lambda done, detail, of=None: None
    elif not stderr.is_terminal:
        yield _line_progress(label, total)
    else:
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Speed(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[detail]}"),
            console=stderr,
        ) as bar:
            task = bar.add_task(label, total=total, detail="")
            first: list[int] = []

            def advance(done: int, detail: str, of: int | None = None) -> None:
                if not first:
                    # What an earlier run did must not count as this run's speed.
                    first.append(done)
                    bar.reset(task, completed=done)
                bar.tasks[0].total = of or total  # given to update(), it would forget the speed
                bar.update(task, completed=done, detail=detail)

            yield advance


def _line_progress(label: str, total: int) -> Advance:
    started = last = time.monotonic()
    first: int | None = None

    def advance(done: int, detail: str, of: int | None = None) -> None:
        nonlocal last, first, total
        total = of or total
        first = done if first is None else first
        now = time.monotonic()
        if now - last >= LINE_SECONDS:
            last = now
            speed = (done - first) / (now - started)
            left = f", {(total - done) / speed:.0f} s left" if speed else ""
            print_note(f"{label}: {done} of {total}, {speed:.1f}/s{left}, {detail}")

    return advance
