"""What the terminal is shown."""

import io

import pytest
from rich.table import Table

from mpn_cli.cli import console


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain [red]name[/red] :smile:", "plain [red]name[/red] :smile:"),
        ("Grüße, 写真, 👩‍👧", "Grüße, 写真, 👩‍👧"),
        ("a\x1b[2Jb\x07", r"a\x1b[2Jb\x07"),
        ("a\x9b2J", r"a\x9b2J"),
        ("two\nlines\r", r"two\nlines\r"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("latin \udcff", r"latin \xff"),
    ],
)
def test_what_steers_a_terminal_is_escaped(text: str, expected: str) -> None:
    assert console.shown(text) == expected


def test_tables_show_text_as_it_is() -> None:
    out = console.PlainConsole(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    table = Table("[/]", title="[bold]x[/bold]\x1b[2J", caption="first\nsecond")
    table.add_row("o[/]6\x1b]0;x\x07")
    out.print(table)
    shown = out.file.getvalue()  # type: ignore[attr-defined]
    for text in ("[/]", r"[bold]x[/bold]\x1b[2J", r"o[/]6\x1b]0;x\x07"):
        assert text in shown
    assert "first" in shown
    assert "\\n" not in shown
    assert "\x1b]" not in shown
