"""Plug-ins of one entry-point group: listed, blamed, never breaking what does not use them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any

OWN_PACKAGES = ("mpn_cli", "mpn_nms", "mpn_models")


class PluginError(LookupError):
    """A plug-in that is unknown, ambiguous, does not load or fails; the message says which."""


@contextmanager
def blamed(plugin: object, kind: str) -> Iterator[None]:
    """Whatever a third party's plug-in raises becomes a PluginError that names it.

    What our own raise stays what it is: a bug of ours is not a plug-in's.
    """
    try:
        yield
    except (PluginError, MemoryError):
        raise
    except Exception as error:
        module = str(getattr(plugin, "__module__", ""))
        if module.partition(".")[0] in OWN_PACKAGES:
            raise
        name = getattr(plugin, "name", type(plugin).__name__)
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise PluginError(f"{kind} {name} (a plug-in, module {module}) failed: {reason}") from error


@dataclass(frozen=True)
class Plugin:
    """One entry point and the distribution it comes from."""

    name: str
    distribution: str
    version: str
    entry_point: EntryPoint

    @property
    def qualified(self) -> str:
        """``distribution:name``, unique even where two distributions use one name."""
        return f"{self.distribution}:{self.name}"

    @cached_property
    def loaded(self) -> Any:
        """The object the entry point names. Raises PluginError if importing it fails."""
        try:
            return self.entry_point.load()
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise PluginError(
                f"{self.name} (of {self.distribution} {self.version}) does not load: {reason}"
            ) from error


class Plugins:
    """All plug-ins of a group, ours included, sorted by name."""

    def __init__(self, group: str, kind: str) -> None:
        self.group = group
        self.kind = kind

    @cached_property
    def all(self) -> tuple[Plugin, ...]:
        """Every entry point of the group; nothing is imported by listing them."""
        found = {}
        for entry in entry_points(group=self.group):
            distribution = entry.dist
            name = distribution.name if distribution else "unknown"
            version = distribution.version if distribution else "unknown"
            plugin = Plugin(entry.name, name, version, entry)
            found[plugin.qualified] = plugin
        return tuple(sorted(found.values(), key=lambda plugin: (plugin.name, plugin.distribution)))

    def find(self, name: str) -> Plugin:
        """The plug-in called ``name`` or ``distribution:name``. Raises PluginError."""
        fitting = [p for p in self.all if name in (p.name, p.qualified)]
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            known = ", ".join(dict.fromkeys(p.name for p in self.all))
            raise PluginError(f"no {self.kind} named {name}; installed: {known or 'none'}")
        choices = " or ".join(p.qualified for p in fitting)
        raise PluginError(
            f"{len(fitting)} distributions bring a {self.kind} named {name}; say {choices}"
        )
