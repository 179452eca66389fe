"""What the constraints pin is what the distribution asks for, and users get no tools of ours."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", line)[0].lower() for line in requirements}


def pins(file: str) -> dict[str, str]:
    """Each pinned distribution of a constraints file, with its hashes."""
    text = (ROOT / "constraints" / file).read_text()
    return {
        match[1]: match[2]
        for match in re.finditer(r"^([\w.-]+)==\S+([^\n]*\n(?:    --hash[^\n]*\n)*)", text, re.M)
    }


@pytest.mark.parametrize(
    ("file", "asked"),
    [
        ("users.txt", PROJECT["dependencies"]),
        ("dev.txt", PROJECT["dependencies"] + EXTRAS["dev"] + EXTRAS["docs"]),
    ],
)
def test_all_that_is_asked_for_is_pinned_with_hashes(file: str, asked: list[str]) -> None:
    """``make constraints`` was run after the last change of the dependencies."""
    pinned = pins(file)
    assert names(asked) - set(pinned) == {"torch"}
    assert [name for name, hashes in pinned.items() if "--hash=sha256:" not in hashes] == []
    assert list(pins("torch.txt")) == ["torch"]


def test_development_tools_stay_out_of_what_users_install() -> None:
    tools = names(EXTRAS["dev"] + EXTRAS["docs"]) | {"docker", "flask", "boto3", "mkdocs"}
    assert tools & set(pins("users.txt")) == set()


def test_no_constraint_says_where_it_was_resolved() -> None:
    for file in (ROOT / "constraints").iterdir():
        assert not re.search(r"://|--(?:extra-)?index|--find-links", file.read_text()), file
