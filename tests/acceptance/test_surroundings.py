"""Where the command runs: homes that can't be written, torn caches, terminals, networks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import COMMAND, Mpn, environment
from tests.conftest import ROOT, make_picture

NO_NETWORK = """
import os, socket
def noted(name, real):
    def call(*arguments, **options):
        with open(os.environ["LOOKED_UP"], "a") as file:
            print(name, arguments[:1], file=file)
        return real(*arguments, **options)
    return call
for name in ("getaddrinfo", "gethostbyname", "gethostbyaddr", "create_connection"):
    setattr(socket, name, noted(name, getattr(socket, name)))
"""


def test_nothing_is_looked_up(mpn: Mpn, tmp_path: Path) -> None:
    """In no command, also where OpenVINO converts a network; nothing is left in the home."""
    site, home = tmp_path / "site", tmp_path / "home"
    site.mkdir()
    home.mkdir()
    (site / "sitecustomize.py").write_text(NO_NETWORK)
    make_picture(tmp_path / "pics/1.png")
    variables = {
        "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]),
        "LOOKED_UP": str(tmp_path / "looked-up"),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "MPN_DETECTOR": "person",
    }
    for command in (
        ["annotate", "pics", "-o", "out"],
        ["report", "out"],
        ["doctor"],
        ["models"],
        ["detectors"],
        ["backends"],
        ["nms-bench", "--images", 2, "--crowd", 2, "--repeat", 1],
    ):
        done = mpn(*command, **variables)
        assert done.returncode == 0, done.stderr
    assert list((tmp_path / "cache/mpn/openvino").glob("*/network.xml"))
    assert not (tmp_path / "looked-up").exists()
    assert not (home / "intel").exists()
    # The recorder works.
    subprocess.run(
        [sys.executable, "-c", "import socket; socket.getaddrinfo('localhost', 1)"],
        env=environment(**variables), check=True,
    )  # fmt: skip
    assert "localhost" in (tmp_path / "looked-up").read_text()


def test_a_cache_that_cant_be_written(mpn: Mpn, tmp_path: Path) -> None:
    make_picture(tmp_path / "pics/1.png")
    (tmp_path / "file").touch()
    (tmp_path / "temporary").mkdir()
    variables = {
        "XDG_CACHE_HOME": str(tmp_path / "file/cache"), "TMPDIR": str(tmp_path / "temporary"),
    }  # fmt: skip
    done = mpn("annotate", "pics", "-o", "a", **variables)
    assert done.returncode == 0, done.stderr
    assert done.stderr == (
        f"mpn: {tmp_path}/file/cache/mpn/ can't be written (Not a directory), so networks are"
        " converted anew in each run; set XDG_CACHE_HOME to a folder that can be written\n"
    )
    assert not list((tmp_path / "temporary").glob("mpn-cache-*"))
    assert mpn("annotate", "pics", "-o", "b").returncode == 0
    expected = (tmp_path / "b/predictions.json").read_bytes()
    assert (tmp_path / "a/predictions.json").read_bytes() == expected
    doctor = " ".join(mpn("doctor", **variables).stdout.split())
    assert "can't be written; XDG_CACHE_HOME names another" in doctor


READ_ONLY = """
mount -t tmpfs -o ro tmpfs "$HOME" || exit 99
mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" || exit 99
touch "$1/x" 2> /dev/null && exit 99
shift
exec "$@"
"""


def test_a_home_and_an_installation_that_cant_be_written(tmp_path: Path) -> None:
    """numba has no place for what it compiles, either."""
    make_picture(tmp_path / "pics/1.png")
    (tmp_path / "home").mkdir()
    variables = {
        name: value for name, value in environment(HOME=str(tmp_path / "home")).items()
        if name not in ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR")
        and not name.startswith("COVERAGE_")  # which would be written where nothing can be
    }  # fmt: skip
    command = [*COMMAND, "annotate", "pics", "-o", "out", "--quiet", "--nms", "numba"]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", READ_ONLY, "sh", str(ROOT), *command], cwd=tmp_path,
        env=variables, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode in (1, 99) and "mpn:" not in done.stderr:
        pytest.skip("needs root that may mount")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "out/predictions.json").read_text())


@pytest.mark.parametrize(
    "name", ["o[/]6", "o[red]7[/red]", "o:smile:", "o\x1b]0;x\x07", "o\u202ex"]
)
def test_names_are_shown_as_they_are(
    mpn: Mpn, tmp_path: Path, fresh_weights: Path, name: str
) -> None:
    make_picture(tmp_path / "pics/1.png")
    command = ("annotate", "pics", "--model", fresh_weights, "--no-flip", "-o", name)
    shown = name.encode("unicode_escape").decode()
    done = mpn(*command)
    assert done.returncode == 0, done.stderr
    assert f"{shown}/predictions.json" in done.stdout
    assert (tmp_path / name / "predictions.json").is_file()
    assert f"mpn: {shown}/ is complete already" in mpn(*command).stderr


def test_escape_sequences_in_a_data_set(mpn: Mpn, tmp_path: Path) -> None:
    make_picture(tmp_path / "pics/1.png")
    evil = "../\x1b]0;pwned\x07\x1b[2J\x9b2J\r\nmpn: all is well\u2028\u202ex.jpg"
    (tmp_path / "evil.json").write_text(json.dumps({"images": [{"id": 1, "file_name": evil}]}))
    done = mpn("annotate", "evil.json", "--images", "pics")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.rstrip("\n").isprintable()
    assert r"\x1b]0;pwned\x07\x1b[2J\x9b2J\r\nmpn: all is well\u2028\u202ex.jpg" in done.stderr


def evil_run(tmp_path: Path, **changes: object) -> Path:
    """A results folder that somebody else made."""
    out = tmp_path / "evil"
    out.mkdir(exist_ok=True)
    make_picture(tmp_path / "pics/in.jpg", 33, 44)
    make_picture(tmp_path / "secret.jpg", 33, 44)
    recipe = {
        "model": "m", "joints": 17, "detector": "", "nms": "hard", "runtime": "torch",
        "precision": "fp32", "kpt_thr": 0.1,
    }  # fmt: skip
    record = {
        "job": {"recipe": recipe}, "picture_folders": [str(tmp_path / "pics")],
        "counts": {"pictures": 1, "people": 0, "skipped": 0}, "seconds": {"wall": 1.0},
    } | changes  # fmt: skip
    (out / "run.json").write_text(json.dumps(record))
    (out / "predictions.json").write_text("[]")
    return out


def show(out: Path, *names: str) -> None:
    images = [{"id": i, "file_name": name, "width": 33, "height": 44}
              for i, name in enumerate(names)]  # fmt: skip
    (out / "dataset.json").write_text(json.dumps({"images": images}))


def test_a_report_stays_below_the_picture_folders(mpn: Mpn, tmp_path: Path) -> None:
    out = evil_run(tmp_path)
    secret = str(tmp_path / "secret.jpg")
    show(out, "../secret.jpg", secret, "x/../../secret.jpg", "//" + secret, f"file://{secret}")
    assert mpn("report", out).returncode == 0
    assert "data:image/webp" not in (out / "report.html").read_text()
    show(out, "x/../in.jpg")
    assert mpn("report", out).returncode == 0
    assert (out / "report.html").read_text().count("data:image/webp") == 1
    # Folders that mpn annotate would not have written: relative ones, and names for the folder.
    out = evil_run(tmp_path, picture_folders=["."])
    show(out, "secret.jpg", "memory://x/secret.jpg")
    assert mpn("report", out).returncode == 0
    assert "data:image/webp" not in (out / "report.html").read_text()


def test_a_report_fetches_only_where_it_is_told(mpn: Mpn, tmp_path: Path) -> None:
    import http.server
    import threading

    asked: list[str] = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    out = evil_run(tmp_path, picture_folders=[address])
    show(out, "steal.jpg", f"{address}/steal.jpg")
    done = mpn("report", out)
    assert (done.returncode, asked) == (0, [])
    assert f"the pictures are at {address}; --images fetches them from there" in done.stderr
    assert mpn("report", out, "--images", address).returncode == 0
    server.shutdown()
    assert "/steal.jpg" in asked


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("run.json", {"counts": {"pictures": "x", "people": 0, "skipped": 0}}),
        ("run.json", {"counts": {"pictures": -1, "people": 0, "skipped": 0}}),
        ("run.json", {"seconds": {}}),
        ("run.json", {"job": {"recipe": {"joints": 17}}}),
        ("run.json", {"options": {"out": 1}}),
        ("run.json", {"picture_folders": "pics"}),
        ("predictions.json", [{"image_id": 0, "keypoints": [1], "score": 1, "bbox": [0, 0, 1, 1]}]),
        ("predictions.json", [{"image_id": 0, "keypoints": [0] * 51, "score": 1, "bbox": [0]}]),
        (
            "predictions.json",
            [{"image_id": 0, "keypoints": [1e308] * 51, "score": 1, "bbox": [0, 0, 1, 1]}],
        ),
        ("skipped.jsonl", {"path": 1}),
    ],
)
def test_a_report_of_a_file_that_mpn_did_not_write(
    mpn: Mpn, tmp_path: Path, file: str, content: object
) -> None:
    out = evil_run(tmp_path, **(content if file == "run.json" else {}))  # type: ignore[arg-type]
    show(out, "in.jpg")
    if file != "run.json":
        (out / file).write_text(json.dumps(content))
    done = mpn("report", out)
    assert done.returncode == 2, done.stderr
    assert f"{out}/{file}: " in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_shipped_forms_and_their_checksums_belong_together() -> None:
    folder = ROOT / "models/mpn_models/weights"
    for sums in folder.glob("*.sha256"):
        subprocess.run(["sha256sum", "--check", "--quiet", sums.name], cwd=folder, check=True)
    assert {sums.stem for sums in folder.glob("*.sha256")} == {
        form.stem for form in folder.glob("*.xml")
    }
