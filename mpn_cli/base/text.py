"""Names as text and as JSON: a file's name may not be UTF-8, but what mpn writes always is."""

from __future__ import annotations

from typing import Any

import msgspec


def is_utf8(name: str) -> bool:
    """Whether a path holds no bytes that are not UTF-8 (Python keeps them as lone surrogates)."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(name: str) -> str:
    r"""A name with each byte that is not UTF-8 as ``\xe9``."""
    if is_utf8(name):
        return name
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def to_json(value: Any) -> bytes:
    """JSON, with the strings in it made printable where that is needed."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_printable(msgspec.to_builtins(value)))


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {_printable(name): _printable(inner) for name, inner in value.items()}
    return [_printable(item) for item in value] if isinstance(value, list | tuple) else value
