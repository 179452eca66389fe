"""Tables written to files that people put into papers: Markdown and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mpn_cli.base.files import write_file
from mpn_cli.base.outputs import check_output

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "µ": r"\textmu{}",
    "±": r"\textpm{}",
    "-": "-",
    "\N{EN DASH}": "--",
}
"""Characters that mean something else to TeX, or that its usual fonts lack."""

_NUMBER = re.compile(r"[+-]?[\d.,]+%?x?")


@dataclass(frozen=True, slots=True)
class PaperTable:
    """One table."""

    title: str
    """What it shows, in a sentence; its caption."""
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1
    """So many columns at the left hold words; the others hold numbers."""


@dataclass(frozen=True, slots=True)
class PaperFiles:
    """The files that the user wants tables in, if any."""

    markdown: Path | None
    latex: Path | None
    command: str
    """The command that writes them; every file names it, so that mpn recognises its own files."""

    def check(self) -> None:
        """Raise InputError where a file can't be written, or is not mpn's. Before the work."""
        for file, option in ((self.markdown, "--markdown"), (self.latex, "--latex")):
            if file is not None:
                check_output(file, self.command, option)

    def write(self, tables: Sequence[PaperTable]) -> None:
        """Write the tables into each file."""
        if self.markdown is not None:
            text = "\n".join(map(markdown, tables)) + f"\n<!-- {self.command} -->\n"
            write_file(self.markdown, text.encode())
        if self.latex is not None:
            head = f"% {self.command}\n% needs \\usepackage{{booktabs}}\n"
            write_file(self.latex, (head + "\n".join(map(latex, tables))).encode())


def markdown(table: PaperTable) -> str:
    """A table in GitHub's Markdown."""
    lines = [table.columns, ("---",) * len(table.columns), *table.rows]
    return "".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines
    )


def latex(table: PaperTable) -> str:
    """A table as a float of LaTeX, with the rules of booktabs."""
    alignment = "l" * table.words + "r" * (len(table.columns) - table.words)
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{escaped(table.title)}}}",
            rf"  \begin{{tabular}}{{{alignment}}}",
            r"    \toprule",
            _line(table.columns),
            r"    \midrule",
            *map(_line, table.rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def escaped(text: str) -> str:
    """Text as LaTeX prints it, character by character."""
    return "".join(_LATEX.get(character, character) for character in text)


def _line(cells: Sequence[str]) -> str:
    return f"    {' & '.join(map(_cell, cells))} \\\\"


def _cell(text: str) -> str:
    """A cell; a number with a sign has it in mathematics, where a minus is not a hyphen."""
    if _NUMBER.fullmatch(text) and text[0] in "+-" and len(text) > 1:
        return f"${escaped(text)}$"
    return escaped(text)
