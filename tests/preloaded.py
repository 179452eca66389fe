"""Starts ``mpn`` in processes that need not load the libraries again.

A server loads what others wrote, and forks for each command: the child gets arguments, a folder, an
environment and files for its output, and loads mpn itself. A command that only says what is wrong
then costs 0.2 seconds of a core, not 0.7, and there are hundreds of starts. What depends on how a
process comes about or ends (signals, imports, a home that can't be written) is tested with real
starts.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

LIBRARIES = (
    "cv2", "filelock", "fsspec", "hotcoco", "jinja2", "joblib", "msgspec", "numba", "numpy",
    "PIL.Image", "platformdirs", "pydantic", "pydantic_settings", "rich.console", "rich.markup",
    "rich.progress", "rich.table", "safetensors", "torch", "typer",
    "mpn_cli.networks.openvino_offline",
)  # fmt: skip
PATIENCE = 300
"""Seconds after which a command is ended."""


class Preloaded:
    """The server, from the side of a test."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.preloaded"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1],
        )  # fmt: skip

    def run(
        self, arguments: list[str], folder: Path, environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run ``mpn`` with some arguments in a folder."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
            wanted = [arguments, str(folder), environment, out.name, err.name]
            self._server.stdin.write(json.dumps(wanted) + "\n")
            self._server.stdin.flush()
            code = int(self._server.stdout.readline())
            said = [Path(file.name).read_text() for file in (out, err)]
        return subprocess.CompletedProcess(arguments, code, *said)

    def close(self) -> None:
        """End the server."""
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait()


def serve() -> None:
    """Fork for each line of standard input, and write how the child ended."""
    for library in LIBRARIES:
        __import__(library)
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            become(*json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def become(
    arguments: list[str], folder: str, environment: dict[str, str], out: str, err: str
) -> NoReturn:
    """Be ``python -m mpn_cli.cli.app``, up to the freeing of the libraries' memory."""
    signal.alarm(PATIENCE)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, file in enumerate((os.devnull, out, err)):
        os.dup2(os.open(file, os.O_RDWR), number)
    sys.argv = ["mpn", *arguments]
    code = 0
    try:
        runpy.run_module("mpn_cli.cli.app", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve()
