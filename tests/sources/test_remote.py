"""Pictures in object storage: fsspec's own systems, and a real S3-compatible server."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest

from mpn_cli.base.errors import InputError
from mpn_cli.sources.gather import gather
from mpn_cli.sources.reading import UnreadableError, file_stamp, read_picture
from tests.acceptance.conftest import Mpn
from tests.acceptance.conftest import mpn as mpn  # the fixture
from tests.acceptance.test_workers import results
from tests.conftest import make_picture


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number in range(6):
        make_picture(tmp_path / "photos" / f"{number}.png", seed=number)
    make_picture(tmp_path / "photos" / "inner" / "6.jpg", seed=6)
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    return tmp_path / "photos"


@pytest.fixture
def memory(photos: Path) -> Iterator[str]:
    storage = fsspec.filesystem("memory")
    storage.put(str(photos) + "/", "/store/photos", recursive=True)
    yield "memory://store/photos"
    storage.rm("/store", recursive=True)


def test_a_folder_of_addresses_is_like_a_folder(photos: Path, memory: str) -> None:
    here, there = gather([str(photos)]).tasks, gather([memory]).tasks
    assert [t.file_name for t in there] == [t.file_name for t in here]
    assert [t.image_id for t in there] == [t.image_id for t in here]
    for mine, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(read_picture(mine.path), read_picture(other.path))
        assert other.stamp == file_stamp(other.path)


def test_one_address_a_list_and_a_data_set(photos: Path, memory: str) -> None:
    one = gather([f"{memory}/inner/6.jpg"]).tasks
    assert [t.file_name for t in one] == ["6.jpg"]
    (photos.parent / "list.txt").write_text(f"{memory}/3.png\n{memory}/inner/6.jpg\n")
    listed = gather([str(photos.parent / "list.txt")]).tasks
    assert [t.file_name for t in listed] == ["3.png", "inner/6.jpg"]
    content = {
        "images": [{"id": 9, "file_name": "inner/6.jpg"}],
        "annotations": [{"image_id": 9, "bbox": [1, 2, 30, 40]}],
    }
    file = photos.parent / "labels.json"
    file.write_text(json.dumps(content))
    (task,) = gather([str(file)], images=memory).tasks
    assert read_picture(task.path).shape == read_picture(str(photos / "inner" / "6.jpg")).shape
    content["images"][0]["file_name"] = "../../etc/passwd"
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="leads out of"):
        gather([str(file)], images=memory)


def test_what_is_not_there_or_changes(memory: str) -> None:
    with pytest.raises(InputError, match="memory://store/none: no such file or folder"):
        gather(["memory://store/none"])
    with pytest.raises(InputError, match="nosuch"):
        gather(["nosuch://bucket/x"])
    with pytest.raises(UnreadableError, match="no such file"):
        read_picture(f"{memory}/99.png")
    assert file_stamp(f"{memory}/99.png") == (-1, -1)
    before = file_stamp(f"{memory}/notes.txt")
    fsspec.filesystem("memory").pipe("/store/photos/notes.txt", b"something longer")
    assert file_stamp(f"{memory}/notes.txt") != before


def test_addresses_of_files_on_this_machine(
    mpn: Mpn, tmp_path: Path, photos: Path, fresh_weights: Path
) -> None:
    for source, out in ((photos, "plain"), (f"file://{photos}", "addressed")):
        done = mpn("annotate", source, "--model", fresh_weights, "-o", out)
        assert done.returncode == 0, done.stderr
    assert results(tmp_path / "plain") == results(tmp_path / "addressed")


@pytest.fixture
def s3(photos: Path) -> Iterator[dict[str, str]]:
    """A real server that speaks S3, with the pictures in a bucket; variables that lead there."""
    pytest.importorskip("moto")
    s3fs = pytest.importorskip("s3fs")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)
    variables = {
        "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
    }  # fmt: skip
    storage = s3fs.S3FileSystem(key="x", secret="x", endpoint_url=url)
    storage.mkdir("bucket")
    storage.put(str(photos) + "/", "bucket/photos", recursive=True)
    yield variables
    server.kill()
    server.wait()


def test_pictures_in_a_bucket(
    mpn: Mpn, tmp_path: Path, photos: Path, fresh_weights: Path, s3: dict[str, str]
) -> None:
    done = mpn("annotate", photos, "--model", fresh_weights, "-o", "plain")
    assert done.returncode == 0, done.stderr
    done = mpn("annotate", "s3://bucket/photos", "--model", fresh_weights, "-o", "s3", **s3)
    assert done.returncode == 0, done.stderr
    assert results(tmp_path / "s3") == results(tmp_path / "plain")
    run = json.loads((tmp_path / "s3" / "run.json").read_text())
    assert run["picture_folders"] == ["s3://bucket/photos/"]
    done = mpn("annotate", "s3://bucket/none", "--model", fresh_weights, "-o", "none", **s3)
    assert done.returncode == 2
    assert "s3://bucket/none: no such file or folder" in done.stderr
    # Nothing is fetched from an address that a file names, unless it is asked for.
    done = mpn("report", "s3", **s3)
    assert done.returncode == 0
    assert "--images fetches them" in done.stderr
    assert "data:image/webp" not in (tmp_path / "s3" / "report.html").read_text()
    assert mpn("report", "s3", "--images", "s3://bucket/photos", **s3).returncode == 0
    assert (tmp_path / "s3" / "report.html").read_text().count("data:image/webp") == 7
