"""NMS backends by name: ours and third parties', through one entry-point group."""

from __future__ import annotations

from mpn_nms.contract import (
    Kept,
    NmsBackend,
    NmsConfig,
    PoseBatch,
    check_batch,
    check_kept,
)
from mpn_nms.plugins import Plugin, PluginError, Plugins, blamed

BACKENDS = Plugins("mpn.nms_backends", "NMS backend")


def make_backend(plugin: Plugin) -> NmsBackend:
    """The backend behind a plug-in. Raises PluginError where it is none."""
    backend = plugin.loaded
    if isinstance(backend, type):
        with blamed(backend, "NMS backend"):
            backend = backend()
    if not isinstance(backend, NmsBackend):
        raise PluginError(f"{plugin.qualified} is no NMS backend: it lacks a name or methods")
    return backend


def find_backend(name: str, method: str | None = None) -> NmsBackend:
    """The backend called ``name``. Raises PluginError, also where it lacks ``method``."""
    backend = make_backend(BACKENDS.find(name))
    if method is not None and method not in backend.methods:
        raise PluginError(
            f"NMS backend {name} has no method {method}; it has {', '.join(backend.methods)}"
        )
    return backend


def suppress(backend: NmsBackend, batch: PoseBatch, config: NmsConfig) -> Kept:
    """Run a backend with its input and its answer checked.

    Raises NmsInputError for poses that can't be taken; for a broken backend of ours
    NmsOutputError, for somebody else's PluginError.
    """
    check_batch(batch)
    with blamed(backend, "NMS backend"):
        kept = backend(batch, config)
        check_kept(kept, batch, backend.name)
    return kept
