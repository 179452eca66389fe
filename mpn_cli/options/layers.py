"""Options and where each came from: built in, mpn.toml, pyproject.toml, MPN_*, command line."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from mpn_cli.base.errors import InputError
from mpn_cli.options.declaring import Declared, DeclaredOption, options_of

CONFIG_FILE = "mpn.toml"
PROJECT_FILE = "pyproject.toml"
ENVIRONMENT = "environment"
COMMAND_LINE = "command line"

TABLES = ("train", "calibrate", "eval", "report", "nms-bench", "convert", "export")
"""Commands whose options stand in a table of their own; those of mpn annotate stand above them."""

Options = TypeVar("Options", bound=Declared)


@dataclass(frozen=True, slots=True)
class Resolved(Generic[Options]):
    """Settings and, for each, the name of the layer it came from."""

    settings: Options
    origins: dict[str, str]

    def from_files(self) -> list[str]:
        """What files of the working folder decided, as ``batch 2 (mpn.toml)``."""
        return [
            f"{name} {getattr(self.settings, name)} ({layer})"
            for name, layer in self.origins.items()
            if layer in (CONFIG_FILE, PROJECT_FILE)
        ]

    def is_default(self, name: str) -> bool:
        """Whether nobody said anything about an option."""
        return self.origins[name] == "default"

    def as_json(self) -> dict[str, Any]:
        """All settings as JSON values."""
        values = dataclasses.asdict(self.settings)
        return {name: str(v) if isinstance(v, Path) else v for name, v in values.items()}


def resolve(declared: type[Options], command_line: Mapping[str, Any]) -> Resolved[Options]:
    """Merge all layers; options that are None on the command line were not given.

    Raises InputError naming the option, its layer and what is wrong with it.
    """
    options, prefix = options_of(declared), _prefix(declared)
    origins = {option.name: "default" for option in options}
    values: dict[str, Any] = {}
    try:
        for layer, found in _layers(declared, prefix).items():
            if layer != ENVIRONMENT:
                _check_file(layer, found, declared, prefix)
            origins.update(dict.fromkeys(found, layer))
            values |= found
        given = {name: value for name, value in command_line.items() if value is not None}
        origins.update(dict.fromkeys(given, COMMAND_LINE))
        checked = _model(options)(**values | given)
    except ValidationError as error:
        raise _said(error, origins, declared) from None
    except InputError:
        raise
    except (ValueError, OSError) as error:  # a TOML file that is none, or can't be read
        raise InputError(f"{CONFIG_FILE} or {PROJECT_FILE}: {error}") from None
    settings = declared(**{option.name: getattr(checked, option.name) for option in options})
    return Resolved(settings, origins)


def _prefix(declared: type[Declared]) -> str:
    """What the names of the variables begin with."""
    return "MPN_" + (f"{declared.TABLE.replace('-', '_').upper()}_" if declared.TABLE else "")


def _model(options: Sequence[DeclaredOption]) -> type[BaseModel]:
    """The pydantic model that checks a command's options."""
    fields: dict[str, Any] = {option.name: (option.hint, option.default) for option in options}
    return create_model(
        "Options", __config__=ConfigDict(extra="forbid", allow_inf_nan=False), **fields
    )


def _layers(declared: type[Declared], prefix: str) -> dict[str, dict[str, Any]]:
    """What each layer under the command line says, the weakest first."""
    project = _table(_table(_read(PROJECT_FILE), "tool"), "mpn")
    variables = {name.upper(): value for name, value in os.environ.items()}
    return {
        PROJECT_FILE: _own(project, declared),
        CONFIG_FILE: _own(_read(CONFIG_FILE), declared),
        ENVIRONMENT: {
            option.name: variables[name]
            for option in options_of(declared)
            if (name := prefix + option.name.upper()) in variables
        },
    }


def _read(name: str) -> dict[str, Any]:
    """A TOML file of the working folder, empty where there is none. Raises ValueError, OSError."""
    file = Path(name)
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _own(found: dict[str, Any], declared: type[Declared]) -> dict[str, Any]:
    """What a file says of one command's options."""
    if declared.TABLE:
        return _table(found, declared.TABLE)
    return {name: v for name, v in found.items() if not (name in TABLES and isinstance(v, dict))}


def _table(found: dict[str, Any], name: str) -> dict[str, Any]:
    """A table of a file; empty where there is none. Raises InputError for another thing."""
    table = found.get(name, {})
    if not isinstance(table, dict):
        raise InputError(f"{CONFIG_FILE} or {PROJECT_FILE}: {name} is a table, not {table!r}")
    return table


def _said(error: ValidationError, origins: dict[str, str], declared: type[Declared]) -> InputError:
    """The first thing that is wrong, in a line."""
    first = error.errors()[0]
    name = str(first["loc"][0])
    layer = origins.get(name, "default")
    if declared.TABLE and layer in (CONFIG_FILE, PROJECT_FILE):
        layer = f"{layer} [{declared.TABLE}]"
    what = "unknown option" if first["type"] == "extra_forbidden" else first["msg"]
    return InputError(f"{layer}: {_flag(name)}: {what} (got {first['input']!r})")


def _check_file(layer: str, found: dict[str, Any], declared: type[Declared], prefix: str) -> None:
    """Raise InputError for what a file of the working folder may not say.

    Such a file may come with a folder that somebody else made, and nobody may have read it.
    """
    for name, why in declared.NOT_FROM_FILES.items():
        if name in found:
            raise InputError(
                f"{layer}: {_flag(name)} can't be set in a file of the working folder"
                f" ({why}); give it on the command line or as {prefix}{name.upper()}"
            )
    for option in options_of(declared):
        path = found.get(option.name)
        if option.option.written and isinstance(path, str) and not _is_inside(path):
            raise InputError(
                f"{layer}: {option.flag} {path} leads out of the working folder; give it on the"
                f" command line or as {prefix}{option.name.upper()}"
            )


def _is_inside(path: str) -> bool:
    """Whether a path, links followed, lies below the working folder."""
    here = os.path.realpath(os.curdir)
    return os.path.realpath(path).startswith(here.rstrip(os.sep) + os.sep)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
