"""Reading JSON and text files, with errors of one line."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import TypeVar

import msgspec

from mpn_cli.base.errors import InputError

_Content = TypeVar("_Content")

_NO_NUMBERS = (b"NaN", b"Infinity")


def plain_utf8(content: bytes) -> bytes:
    """A file's content as UTF-8 without a byte order mark, as PowerShell and Excel write one.

    Raises UnicodeDecodeError where a mark says UTF-16 and the rest is none.
    """
    if content.startswith(codecs.BOM_UTF8):
        return content[len(codecs.BOM_UTF8) :]
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16").encode()
    return content


def read_content(file: Path) -> bytes:
    """A text file's content, as :func:`plain_utf8`. Raises InputError."""
    try:
        return plain_utf8(file.read_bytes())
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not a text file: {error}") from None


def read_json(file: Path, kind: type[_Content], name: str) -> _Content:
    """A JSON file as ``kind``. Raises InputError saying that it is not ``name``, and why."""
    return decode_json(read_content(file), kind, f"{file}: not {name}", str(file))


def decode_json(content: bytes, kind: type[_Content], complaint: str, file: str) -> _Content:
    """JSON as ``kind``, where numbers may also stand as texts and whole numbers as 1.0.

    NaN and Infinity, which Python writes and JSON does not know, count as null: no harm where a
    field is not needed. Raises InputError, which begins with ``complaint``.
    """
    try:
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.ValidationError:
            return msgspec.json.decode(content, type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise InputError(f"{complaint}: {error}") from None
    except msgspec.DecodeError as error:
        if not any(word in content for word in _NO_NUMBERS):
            raise InputError(f"{complaint}: {error}") from None
    except RecursionError:
        raise InputError(f"{complaint}: nested too deeply") from None
    try:
        return msgspec.convert(json.loads(content, parse_constant=_no_number), kind, strict=False)
    except msgspec.ValidationError as error:
        raise InputError(f"{file}: holds NaN or Infinity, which are no numbers ({error})") from None
    except ValueError as error:
        raise InputError(f"{complaint}: {error}") from None
    except RecursionError:
        raise InputError(f"{complaint}: nested too deeply") from None


def _no_number(word: str) -> None:
    """What NaN and Infinity are taken for."""
