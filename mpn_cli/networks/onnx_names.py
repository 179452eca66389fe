"""``onnx:FILE[,key=value...]``: how other people's networks are named on the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mpn_cli.base.errors import InputError

ONNX = "onnx:"


@dataclass(frozen=True, slots=True)
class OnnxName:
    """An ONNX file and the key=value pairs that the user gave with it."""

    option: str
    """The command-line option it was given with, for messages."""
    file: Path
    said: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, option: str) -> OnnxName:
        """Read ``onnx:FILE,family=yolox``. Raises InputError."""
        file, *pairs = text.removeprefix(ONNX).split(",")
        said = {}
        for pair in pairs:
            key, equals, value = pair.partition("=")
            if not equals:
                raise InputError(f"{option} {text}: {pair!r} is not key=value")
            said[key.strip()] = value.strip()
        path = Path(file).absolute()
        if not path.is_file():
            raise InputError(f"{option} {ONNX}{file}: no such file")
        return cls(option, path, said)

    def choice(self, key: str, known: tuple[str, ...], usual: str) -> str:
        """The value of a key, one of ``known``. Raises InputError for another one."""
        value = self.said.get(key, usual)
        if value not in known:
            raise self.error(f"{key} {value}: not one of {', '.join(known)}")
        return value

    def number(self, key: str, usual: float) -> float:
        """The number given for a key. Raises InputError if it is not a number."""
        return self.numbers(key, (usual,))[0]

    def numbers(self, key: str, usual: tuple[float, ...]) -> tuple[float, ...]:
        """The numbers given for a key, separated by / and as many as in ``usual``.

        Raises InputError.
        """
        if key not in self.said:
            return usual
        try:
            values = tuple(float(part) for part in self.said[key].split("/"))
        except ValueError:
            values = ()
        if len(values) != len(usual):
            raise self.error(f"{key} {self.said[key]}: {len(usual)} numbers, separated by /")
        return values

    def only(self, *known: str) -> None:
        """Raise InputError if a key is not among ``known``."""
        for key in self.said:
            if key not in known:
                raise self.error(f"{key}: unknown; what can be said: {', '.join(known)}")

    def error(self, message: str) -> InputError:
        """An error about this network."""
        return InputError(f"{self.option} {ONNX}{self.file.name}: {message}")
