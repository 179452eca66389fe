"""MkDocs hook: pages that are made at build time, and links that lead to them.

The home page is README.md, the commands' pages come from their own help, and model cards,
changelog and CONTRIBUTING stay where a repository has them. Links between files of the repository
become links between pages, so that both ways of reading work.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from mpn_cli.cli.app import app

ROOT = Path(__file__).parent.parent
CARDS = sorted((ROOT / "models" / "mpn_models" / "weights").glob("*.md"))

COPIED = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "examples/ATTRIBUTION.md": "attribution.md",
    **{card.relative_to(ROOT).as_posix(): f"model-cards/{card.name}" for card in CARDS},
}
"""Files outside docs/, and the pages that they become."""

SOURCES = {page: file for file, page in COPIED.items()}

LINK = re.compile(r"(\]\()(?!https?://|#|mailto:)([^)#\s]+)")
EXAMPLE = re.compile(r"^Example: (.+)$", re.MULTILINE)


def commands() -> dict[str, Any]:
    """All commands by name, in the order of ``mpn --help``."""
    group = typer.main.get_command(app)
    return dict(getattr(group, "commands", {}))


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the parts of the navigation that follow from the code."""
    made = {
        "Commands": [{f"mpn {name}": f"commands/{name}.md"} for name in commands()],
        "Model cards": [{card.stem: f"model-cards/{card.name}"} for card in CARDS],
    }
    for part in config.nav or []:
        for entry in next(iter(part.values())):
            if isinstance(entry, dict):
                entry.update({title: made[title] for title in entry if title in made})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside docs/ or are made here."""
    for source, page in COPIED.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    for name, command in commands().items():
        content = "".join(command_page(name, command))
        files.append(File.generated(config, f"commands/{name}.md", content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between files of the repository into links between pages."""
    here = page.file.src_uri
    folder = posixpath.dirname(SOURCES.get(here, f"docs/{here}"))

    def page_of(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[2]))
        target = COPIED.get(target, target.removeprefix("docs/"))
        return match[1] + posixpath.relpath(target, posixpath.dirname(here) or ".")

    return LINK.sub(page_of, markdown)


def command_page(name: str, command: Any) -> Iterator[str]:
    """The page of one command: usage, its text with the examples as code, and its options."""
    context = typer.Context(command, info_name=f"mpn {name}")
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"# mpn {name}\n\n    mpn {name} {usage}\n\n"
    yield EXAMPLE.sub(r"    \1", command.help or "") + "\n"
    panels: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            kind = "Arguments" if parameter.param_type_name == "argument" else "Options"
            panel = getattr(parameter, "rich_help_panel", None) or kind
            panels.setdefault(panel, []).append(record)
    for panel, records in panels.items():
        if records:
            what = "argument" if panel == "Arguments" else "option"
            yield f"\n## {panel}\n\n| {what} | meaning |\n|---|---|\n"
        for names, meaning in records:
            text = " ".join(meaning.split()).replace("|", "\\|")
            yield f"| `{names}` | {text} |\n"
