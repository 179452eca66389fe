"""run.json is one struct for who writes and who reads it."""

import json
from pathlib import Path

import msgspec

from mpn_cli.engine.folder import JobRecord
from mpn_cli.results.run_record import RunRecord
from tests.acceptance.conftest import Mpn
from tests.acceptance.conftest import mpn as mpn  # the fixture
from tests.conftest import make_picture


def test_run_json_of_a_real_run(mpn: Mpn, tmp_path: Path, fresh_weights: Path) -> None:
    make_picture(tmp_path / "pics/1.png")
    (tmp_path / "pics/2.png").write_text("no picture")
    command = ("annotate", "pics", "--model", fresh_weights, "--no-flip", "-o", "out", "--json")
    done = mpn(*command)
    assert done.returncode == 3, done.stderr
    content = (tmp_path / "out/run.json").read_bytes()
    record = msgspec.json.decode(content, type=RunRecord[JobRecord])
    assert (record.counts.pictures, record.counts.people, record.counts.skipped) == (1, 1, 1)
    assert record.seconds["wall"] > 0
    assert record.options["flip"].value is False
    assert record.options["flip"].origin == "command line"
    assert record.job.recipe.flip is False
    assert record.machine is not None
    # Nothing is lost or renamed on the way through the struct.
    assert json.loads(msgspec.json.encode(record)) == json.loads(content)
    assert list(json.loads(content)) == [
        "job", "files", "overlays", "command", "folder", "picture_folders", "options", "versions",
        "counts", "seconds", "machine",
    ]  # fmt: skip
    # What is printed is what was written, at the first time and when all is there already.
    assert json.loads(done.stdout) == {"out": "out", **json.loads(content)}
    assert json.loads(mpn(*command).stdout) == json.loads(done.stdout)
