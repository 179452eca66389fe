"""How options are declared: once, as the fields of a frozen dataclass.

A field has a type with its range, a default, and an :class:`Option` with what the help says of it::

    bbox_thr: Annotated[Share, Option("Leave out detected boxes with a lower score.")] = 0.2

From these the command line is generated (``cli.generating``), files and variables are checked
(``options.layers``), and the Python face takes its keywords.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import NoneType
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, MultipleOf

Share = Annotated[float, Ge(0), Le(1)]
Positive = Annotated[int, Gt(0), Le(2**31 - 1)]
Natural = Annotated[int, Ge(0), Le(2**31 - 1)]
Rate = Annotated[float, Gt(0), Le(1000)]
LongSide = Annotated[int, Ge(64), Le(4096), MultipleOf(32)]


@dataclass(frozen=True, slots=True)
class Option:
    """The help text of an option on the command line, and how it is shown."""

    help: str
    shown: str | None = None
    """Text shown as the default, if the value alone would not explain it."""
    panel: str | None = None
    """The heading in the help under which the option is listed."""
    names: tuple[str, ...] = ()
    """The names, where they are not just the field's: a short one, or both words of a switch."""
    written: bool = False
    """Whether the option names a file or folder that is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """Base of a command's options."""

    TABLE: ClassVar[str] = ""
    """The table of mpn.toml that holds the options; "" for the top level."""
    NOT_FROM_FILES: ClassVar[Mapping[str, str]] = {}
    """Options that no file of the working folder may set, and why."""


@dataclass(frozen=True, slots=True)
class DeclaredOption:
    """An option together with its field's name, type and default."""

    name: str
    hint: Any
    """Its whole type, range and help included."""
    default: Any
    option: Option

    @property
    def flag(self) -> str:
        """The option's name on the command line and in messages."""
        return "--" + self.name.replace("_", "-")

    @property
    def plain(self) -> type:
        """int, float, bool, str or Path: what the command line reads before it is checked."""
        kinds = [_without_metadata(kind) for kind in _members(self.hint)]
        kind = next(kind for kind in kinds if kind is not NoneType)
        return str if issubclass(kind, StrEnum) else kind

    @property
    def shown(self) -> str | None:
        """The default as shown in the help; None if none is shown."""
        if self.option.shown is not None:
            return self.option.shown
        if isinstance(self.default, bool):
            words = self.option.names[0].split("/") if self.option.names else []
            return words[not self.default].removeprefix("--") if len(words) == 2 else None
        return None if self.default is None else str(self.default)


def options_of(declared: type[Declared]) -> list[DeclaredOption]:
    """The options of a dataclass, in their order."""
    hints = get_type_hints(declared, include_extras=True)
    return [
        DeclaredOption(field.name, hints[field.name], field.default, _option(hints[field.name]))
        for field in dataclasses.fields(declared)
    ]


def _option(hint: Any) -> Option:
    return next(found for found in get_args(hint)[1:] if isinstance(found, Option))


def _without_metadata(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _members(hint: Any) -> tuple[Any, ...]:
    """The types of a union; a plain type alone."""
    plain = _without_metadata(hint)
    return get_args(plain) if NoneType in get_args(plain) else (plain,)
