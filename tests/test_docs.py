"""The documentation names only what is there."""

import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from mpn_cli.cli.app import app
from tests.acceptance.conftest import Mpn
from tests.acceptance.conftest import mpn as mpn  # the fixture

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PLACES = "mpn_cli|models|nms_backends|tests|benchmarks|tools|docs|examples"
PATH = re.compile(rf"`((?:{PLACES})(?:/[\w.*-]+)+/?)`")
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)(?:#([\w-]+))?\)")
NAME_IN_FILE = re.compile(r"`(\w+)(?:\.\w+)?(?:\([^`]*\))?`\s+(?:\(|in\s+)`([\w/]+\.py)`")


def pages_with(pattern: re.Pattern[str]) -> Iterator[tuple[str, re.Match[str]]]:
    for page in PAGES:
        for match in pattern.finditer(page.read_text()):
            yield str(page.relative_to(ROOT)), match


def anchors(page: Path) -> set[str]:
    """What a heading's link is called, on the site and in a repository's own view."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", text).strip().lower().replace(" ", "-") for text in headings}


def test_every_file_that_a_page_names_is_there() -> None:
    named = [(page, match[1]) for page, match in pages_with(PATH)]
    assert len(named) > 50
    assert [(page, path) for page, path in named if not list(ROOT.glob(path.rstrip("/")))] == []


def test_every_link_leads_somewhere() -> None:
    links = [(page, match[1], match[2]) for page, match in pages_with(LINK)]
    assert len(links) > 10
    for page, target, anchor in links:
        file = (ROOT / page).parent / target
        assert file.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in anchors(file), f"{page}: {target}#{anchor}"


def test_names_are_defined_in_the_file_that_the_map_gives_for_them() -> None:
    named = [
        (match[1], match[2]) for page, match in pages_with(NAME_IN_FILE) if "architecture" in page
    ]
    assert len(named) > 15
    for name, file in named:
        content = (ROOT / file).read_text()
        assert re.search(rf"(?:def|class) {name}\b|^{name} = ", content, re.MULTILINE), (name, file)


@pytest.mark.parametrize("contract", range(2))
def test_the_map_draws_the_layers_that_are_checked(contract: int) -> None:
    """Every folder of import-linter's layers stands in the drawing, below those above it."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = [row.split(" | ") for row in settings["contracts"][contract]["layers"]]
    page = (ROOT / "docs" / "architecture.md").read_text()
    drawing = page.split("```mermaid\n")[1].split("```")[0]
    places = [[drawing.find(f'{name}["') for name in row] for row in layers if row != ["mpn_cli"]]
    assert all(place > 0 for row in places for place in row)
    assert all(max(a) < min(b) for a, b in itertools.pairwise(places))


def uses_of_commands() -> Iterator[tuple[str, str, set[str]]]:
    """Where a page shows a use of mpn: the page, the command and its options."""
    for page in PAGES:
        text = re.sub(r" *\\\n\s*", " ", page.read_text())  # one command over several lines
        for use in re.finditer(r"\bmpn ([a-z][\w-]+)((?:[^`\n#|<&]|\|\S)*)", text):
            options = re.findall(r"(?<!\S)(?:--[a-z0-9][\w-]*|-[a-z](?![\w-]))", use[2])
            yield str(page.relative_to(ROOT)), use[1], set(options)


def test_every_option_that_a_page_gives_to_a_command_is_one_of_its() -> None:
    commands = getattr(typer.main.get_command(app), "commands", {})
    known = {
        name: {"--help", "-h"}.union(*(one.opts + one.secondary_opts for one in command.params))
        for name, command in commands.items()
    }
    uses = [use for use in uses_of_commands() if use[1] in known and use[2]]
    assert len(uses) > 40
    assert {use[1] for use in uses} > {"annotate", "eval", "nms-bench", "train"}
    assert [use for use in uses if not use[2] <= known[use[1]]] == []


def test_the_commands_on_top_of_the_readme(mpn: Mpn, tmp_path: Path) -> None:
    first = (ROOT / "README.md").read_text().split("![")[0]
    commands = re.findall(r"^    mpn (.+?)(?:  +#.*)?$", first, re.MULTILINE)
    assert [line.split()[0] for line in commands] == ["annotate", "report"]
    (tmp_path / "photos").mkdir()
    shutil.copy(ROOT / "examples/000000000785.jpg", tmp_path / "photos")
    for command in commands:
        done = mpn(*command.split(), MPN_DETECTOR="person")
        assert done.returncode == 0, done.stderr
    made = [file.name for file in (tmp_path / "out").iterdir() if not file.name.startswith(".")]
    assert {"predictions.json", "dataset.json", "overlays", "report.html"} <= set(made)
    assert len(list((tmp_path / "out/overlays").iterdir())) == 1


def test_the_site_builds_without_a_broken_link_and_knows_every_command(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings")
    site = tmp_path / "site"
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir"]
    done = subprocess.run(
        [*build, str(site)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    usage = [sys.executable, "-m", "mpn_cli.cli.app", "nms-bench", "--help"]
    wide = {**os.environ, "COLUMNS": "200"}
    shown = subprocess.run(usage, capture_output=True, text=True, check=True, env=wide).stdout
    options = set(re.findall(r"--[a-z0-9-]+", shown))
    assert len(options) > 8
    page = (site / "commands" / "nms-bench.html").read_text()
    assert [option for option in options if option not in page] == []
    assert len(list((site / "model-cards").glob("*.html"))) == len(
        list((ROOT / "models/mpn_models/weights").glob("*.md"))
    )
