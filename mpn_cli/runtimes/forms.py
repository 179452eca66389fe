"""OpenVINO networks on disk, with checksums: one that is torn or altered is never run."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from mpn_cli.runtimes.cache import cache_folder, use_temporary_cache
from mpn_cli.runtimes.openvino_offline import openvino

FORM_VERSION = 2
"""Counts changes of the forms' content, which make cached ones stale."""


def save_form(network: openvino.Model, form: Path) -> None:
    """Write a network's XML file, its .bin and their checksums (as sha256sum writes them).

    Raises OSError and RuntimeError where that can't be done.
    """
    openvino.save_model(network, form, compress_to_fp16=False)
    sums = form.with_suffix(".sha256")
    sums.write_text(_checksums(form))
    for file in (form, form.with_suffix(".bin"), sums):
        with file.open("rb") as content:
            os.fsync(content.fileno())


def is_intact(form: Path) -> bool:
    """Whether a form is there as it was written."""
    try:
        return form.with_suffix(".sha256").read_text() == _checksums(form)
    except (OSError, UnicodeDecodeError):
        return False


def _checksums(form: Path) -> str:
    files = form, form.with_suffix(".bin")
    return "".join(
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files
    )


def cached_form(model: str, sha256: str, make: Callable[[], openvino.Model]) -> Path:
    """A form's XML file in the user's cache, made at a weight file's first use.

    model: what network it is; sha256: the hash of its weights. Both name the form. One that is not
    as it was written is made again; where the cache can't be written, a temporary one is used
    (:func:`mpn_cli.runtimes.cache.cache_problem`). Raises InputError where that fails too.
    """
    key = f"{model}-{sha256[:24]}-{FORM_VERSION}-{version('openvino')}"
    form = cache_folder() / "openvino" / key / "network.xml"
    if is_intact(form):
        return form
    network = make()
    try:
        return _keep(network, form)
    except (OSError, RuntimeError) as error:
        use_temporary_cache(error)
    return _keep(network, cache_folder() / "openvino" / key / form.name)


def _keep(network: openvino.Model, form: Path) -> Path:
    """Put a form into the cache, whole or not at all."""
    folder = form.parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
    try:
        made = unfinished / "new"
        made.mkdir()
        save_form(network, made / form.name)
        if folder.exists():
            folder.rename(unfinished / "old")
        made.rename(folder)
    except OSError:
        if not is_intact(form):  # else another process was first
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return form
