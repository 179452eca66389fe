"""OpenVINO IR files with checksums: a truncated or altered one is never run."""

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
"""Version of the IR files' content; cached files of another version are not used."""

HASH_PATH = ["mpn", "weights_sha256"]
"""Path of the rt_info entry of an int8 IR that holds the SHA-256 of its source weights."""


def save_form(network: openvino.Model, form: Path, *, compress_to_fp16: bool = False) -> None:
    """Write a network's XML file, its .bin and their checksums (as sha256sum writes them).

    compress_to_fp16: store the floating-point weights in half precision. Raises OSError or
    RuntimeError if the files can't be written.
    """
    openvino.save_model(network, form, compress_to_fp16=compress_to_fp16)
    sums = form.with_suffix(".sha256")
    sums.write_text(_checksums(form))
    for file in (form, form.with_suffix(".bin"), sums):
        with file.open("rb") as content:
            os.fsync(content.fileno())


def is_intact(form: Path) -> bool:
    """Whether an IR exists and matches its checksums."""
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
    """The path of a weight file's int8 IR, which ``quantise`` makes; it may not exist."""
    return weights.with_name(f"{weights.stem}-int8.xml")


def checked_int8_form(weights: Path, sha256: str) -> Path:
    """The int8 IR beside a weight file. Raises InputError if none was made from these weights."""
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
    """The XML file of an IR in the user's cache, converted at a weight file's first use.

    model: name of the network; sha256: the hash of its weights. The file's name is made of both. An
    IR that does not match its checksums is made again; if the cache can't be written, a temporary
    one is used (:func:`mpn_cli.networks.openvino_cache.cache_problem`). Raises InputError if that
    fails too.
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
    """Put an IR into the cache atomically."""
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
        if not is_intact(form):  # otherwise another process was faster
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return form
