"""OpenVINO networks on disk, with checksums: one that is torn or altered is never run."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from mpn_cli.base.errors import InputError
from mpn_cli.networks.openvino_cache import cache_folder, use_temporary_cache
from mpn_cli.networks.openvino_offline import openvino

FORM_VERSION = 2
"""Counts changes of the forms' content, which make cached ones stale."""

HASH_PATH = ["mpn", "weights_sha256"]
"""Where an int8 form says of which weights it was made."""


def save_form(network: openvino.Model, form: Path, compress_to_fp16: bool = False) -> None:
    """Write a network's XML file, its .bin and their checksums (as sha256sum writes them).

    compress_to_fp16: store the floating-point weights in half precision. Raises OSError and
    RuntimeError where that can't be done.
    """
    openvino.save_model(network, form, compress_to_fp16=compress_to_fp16)
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


def int8_form(weights: Path) -> Path:
    """Where the int8 form of a weight file stands, if it has one: made by ``quantise``."""
    return weights.with_name(f"{weights.stem}-int8.xml")


def checked_int8_form(weights: Path, sha256: str) -> Path:
    """The int8 form beside a weight file. Raises InputError if there is none of these weights."""
    form = int8_form(weights)
    if not form.is_file():
        raise InputError(f"--precision int8: {weights} has no int8 form ({form.name}) beside it")
    if not is_intact(form):
        raise InputError(
            f"--precision int8: {form} is damaged: it does not match its checksums"
            f" ({form.with_suffix('.sha256').name})"
        )
    network = openvino.Core().read_model(form)
    if not network.has_rt_info(HASH_PATH) or network.get_rt_info(HASH_PATH).astype(str) != sha256:
        raise InputError(f"--precision int8: {form} was made of other weights than {weights.name}")
    return form


def cached_form(model: str, sha256: str, make: Callable[[], openvino.Model]) -> Path:
    """A form's XML file in the user's cache, made at a weight file's first use.

    model: what network it is; sha256: the hash of its weights. Both name the form. One that is not
    as it was written is made again; where the cache can't be written, a temporary one is used
    (:func:`mpn_cli.networks.openvino_cache.cache_problem`). Raises InputError where that fails too.
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
