"""Downloads from a real server in the test, which can be cut off and can go on."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from mpn_cli.base.errors import InputError
from mpn_cli.networks.fetching import Entry, fetch, read_catalogue

CONTENT = np.random.default_rng(0).bytes(1_000_000)


class Server(ThreadingHTTPServer):
    """Serves ``CONTENT``; gives up after ``cut`` bytes where that is not None."""

    cut: int | None = None
    ranges = True
    asked: list[str | None]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers["Range"]
        self.server.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        start = start if self.server.ranges else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : self.server.cut])

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with Server(("127.0.0.1", 0), Handler) as running:
        running.asked = []
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def entry_of(server: Server, **changes: object) -> Entry:
    usual = {
        "name": "x", "kind": "detector", "url": f"http://127.0.0.1:{server.server_port}/x.onnx",
        "sha256": hashlib.sha256(CONTENT).hexdigest(), "bytes": len(CONTENT),
        "licence": "MIT", "about": "",
    }  # fmt: skip
    return Entry(**usual | changes)  # type: ignore[arg-type]


def test_a_file_is_fetched_once(server: Server, tmp_path: Path) -> None:
    told: list[int] = []
    file = fetch(entry_of(server), told.append)
    assert file.read_bytes() == CONTENT
    assert file.is_relative_to(tmp_path)
    assert told[-1] == len(CONTENT)
    assert fetch(entry_of(server), told.append) == file
    assert len(server.asked) == 1


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_goes_on_where_it_stopped(server: Server, ranges: bool) -> None:
    server.cut, server.ranges = 400_000, ranges
    with pytest.raises(InputError, match="what came is kept, the same command goes on"):
        fetch(entry_of(server), lambda there: None)
    server.cut = None
    assert fetch(entry_of(server), lambda there: None).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=400000-"]


def test_another_content_is_thrown_away(server: Server) -> None:
    entry = entry_of(server, sha256="0" * 64)
    with pytest.raises(InputError, match="is not what was published"):
        fetch(entry, lambda there: None)
    assert list(entry.file.parent.iterdir()) == []


def test_nobody_answers(server: Server) -> None:
    entry = entry_of(server, url="http://127.0.0.1:1/x.onnx")
    with pytest.raises(InputError, match=r"127\.0\.0\.1:1/x\.onnx can't be reached"):
        fetch(entry, lambda there: None)


def test_the_catalogue_is_pinned() -> None:
    entries = read_catalogue()
    assert entries
    for entry in entries.values():
        assert entry.kind in ("detector", "pose")
        assert entry.url.startswith("https://")
        assert len(bytes.fromhex(entry.sha256)) == 32
        assert entry.licence in ("Apache-2.0", "MIT", "BSD-3-Clause")
        assert entry.option.startswith("--detector onnx:")
