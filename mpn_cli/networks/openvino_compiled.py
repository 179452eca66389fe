"""Networks compiled by OpenVINO, kept in the user's cache.

Compiling takes a fifth to half a second per network, which is most of what ``mpn annotate
photo.jpg`` waits for; reading back what was compiled takes a tenth. OpenVINO's own model cache does
the same, but runs a file whose bytes were changed without noticing it.
"""

from __future__ import annotations

import contextlib
import hashlib
import platform
from importlib.metadata import version
from pathlib import Path

from mpn_cli.base.files import write_file
from mpn_cli.networks.openvino_cache import cache_folder
from mpn_cli.networks.openvino_offline import openvino

_DIGEST_BYTES = 32


def compile_form(
    core: openvino.Core, form: Path, options: dict[str, str]
) -> openvino.CompiledModel:
    """Compile an IR file for the CPU, or read what an earlier process compiled.

    form: an IR with checksums beside it (:func:`mpn_cli.networks.openvino_forms.save_form`), which
    are part of the cached file's name, as are the options, the version of OpenVINO and the
    processor. The cached file starts with the SHA-256 of the rest; one that does not match, or
    that OpenVINO refuses, is made again. A cache that can't be written costs time only.
    """
    sums = form.with_suffix(".sha256").read_text()
    key = repr((sums, sorted(options.items()), version("openvino"), _processor(core)))
    file = (
        cache_folder() / "openvino" / "compiled" / hashlib.sha256(key.encode()).hexdigest()[:32]
    ).with_suffix(".blob")
    with contextlib.suppress(OSError, RuntimeError):
        content = file.read_bytes()
        if hashlib.sha256(content[_DIGEST_BYTES:]).digest() == content[:_DIGEST_BYTES]:
            return core.import_model(content[_DIGEST_BYTES:], "CPU", options)
    network = core.compile_model(form, "CPU", options)
    with contextlib.suppress(OSError, RuntimeError):
        blob = network.export_model().getvalue()
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, hashlib.sha256(blob).digest() + blob)
    return network


def _processor(core: openvino.Core) -> tuple[str, ...]:
    """What tells processors apart for which OpenVINO compiles differently."""
    flags = ""
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as lines:
        flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    names = "FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES"
    return (platform.machine(), flags, *(str(core.get_property("CPU", name)) for name in names))
