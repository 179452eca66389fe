"""Tables for papers: what is written is LaTeX and Markdown, and says what the table said."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mpn_cli.cli.paper_tables import PaperFiles, PaperTable, escaped, latex, markdown

NASTY = r"out_1/50% & $x^2$ #1 {a}~b\c <µ> | -0.5"
TABLE = PaperTable(
    f"How good {NASTY} is.",
    ("results", "AP", "µs/picture"),
    [[NASTY, "0.512", "+0.010"], ["95 % interval", "0.5\N{EN DASH}0.6", "-0.020"]],
)


def check_latex(text: str, columns: int) -> list[list[str]]:
    """The rows of a table's cells; fails where TeX would."""
    text = re.sub(r"(?m)^%.*\n", "", text)  # comments
    begun: list[str] = []
    for what, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if what == "begin":
            begun.append(name)
        else:
            assert begun.pop() == name
    assert begun == []
    bare = re.sub(r"\\[{}&%$#_]|\\\\", "", text)  # escaped characters, and ends of rows
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert not set(bare) & set('#_^~<>|"%'), bare
    assert text.isascii()
    known = {
        "begin", "end", "centering", "caption", "toprule", "midrule", "bottomrule",
        "textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater",
        "textbar", "textmu", "textpm",
    }  # fmt: skip
    assert set(re.findall(r"\\([A-Za-z]+)", text)) <= known
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    rows = [re.split(r"(?<!\\)&", line.strip()) for line in body.splitlines() if line[-2:] == r"\\"]
    assert {len(row) for row in rows} == {columns}
    return [[cell.strip().removesuffix(r"\\").strip() for cell in row] for row in rows]


def test_latex() -> None:
    head, first, second = check_latex(latex(TABLE), 3)
    assert head == ["results", "AP", r"\textmu{}s/picture"]
    assert first[1:] == ["0.512", "$+0.010$"]
    assert second == [r"95 \% interval", "0.5--0.6", "$-0.020$"]
    assert r"\begin{tabular}{lrr}" in latex(TABLE)
    assert escaped("a_b & 5%") == r"a\_b \& 5\%"
    assert escaped("36 ±7%") == r"36 \textpm{}7\%"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX here")
def test_a_tex_engine_takes_it(tmp_path: Path) -> None:
    (tmp_path / "a.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs,textcomp}\\begin{document}\n"
        + latex(TABLE)
        + "\\end{document}\n"
    )
    subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "a.tex"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    assert (tmp_path / "a.pdf").is_file()


def test_markdown_has_as_many_cells_in_every_line() -> None:
    lines = markdown(TABLE).splitlines()
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in lines] == [4] * 4
    assert lines[3] == "| 95 % interval | 0.5\N{EN DASH}0.6 | -0.020 |"


def test_files_know_their_command(tmp_path: Path) -> None:
    files = PaperFiles(tmp_path / "t.md", tmp_path / "t.tex", "mpn eval")
    for _ in range(2):  # mpn's own files are overwritten
        files.check()
        files.write([TABLE, TABLE])
    text = (tmp_path / "t.tex").read_text()
    assert text.startswith("% mpn eval\n")
    assert text.count(r"\begin{table}") == 2
    assert (tmp_path / "t.md").read_text().count("| results |") == 2
