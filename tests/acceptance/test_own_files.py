"""Files of somebody else are never replaced or deleted, whatever they are called."""

import hashlib
import json
from pathlib import Path

import pytest

from mpn_cli.base.errors import InputError
from mpn_cli.engine.folder import JobRecord, OutFolder
from mpn_cli.engine.job import Job
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.layers import resolve
from mpn_cli.options.recipes import make_recipe
from mpn_cli.sources.tasks import Task
from tests.acceptance.conftest import Mpn
from tests.base.test_atomic_files import kill_between_write_and_rename
from tests.conftest import make_picture

LABELS = {
    "images": [{"id": 1, "file_name": "1.png"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [5, 5, 50, 90]}],
    "categories": [{"id": 1, "name": "person"}],
}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.fixture
def job(tmp_path: Path, fresh_weights: Path) -> Job:
    make_picture(tmp_path / "pics/1.png")
    recipe = make_recipe(resolve(AnnotateOptions, {"model": str(fresh_weights)}), labelled=False)
    return Job([Task(1, str(tmp_path / "pics/1.png"), "1.png")], recipe, 4)


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize(
    "name",
    ["predictions.json", "dataset.json", "skipped.jsonl", "run.json", "parts/a/drawing.txt",
     "parts/00000000.jsonl", "parts/job.json", "overlays/1.jpg", ".mpn-inputs", ".mpn-lock"],
)  # fmt: skip
def test_a_folder_with_such_a_file_is_refused(
    tmp_path: Path, job: Job, name: str, resume: bool
) -> None:
    file = tmp_path / "out" / name
    file.parent.mkdir(parents=True)
    file.write_text('{"mine": 1}')
    with (
        pytest.raises(InputError, match="is there already, which mpn did not"),
        OutFolder(tmp_path / "out") as out,
    ):
        out.claim(job, resume=resume)
    assert contents(tmp_path / "out") == {name: b'{"mine": 1}'}


@pytest.mark.parametrize("name", ["predictions.json", "dataset.json", "parts", "overlays"])
def test_links_and_things_of_another_kind_are_refused(tmp_path: Path, job: Job, name: str) -> None:
    victim = tmp_path / "victim"
    (victim / "folder").mkdir(parents=True)
    (victim / "folder/thesis.txt").write_text("mine")
    (victim / "file.json").write_text("mine")
    out = tmp_path / "out"
    for odd in ("link to a file", "link to a folder", "link to nothing", "folder or file"):
        out.mkdir()
        if odd == "folder or file":
            if name.endswith(".json"):
                (out / name).mkdir()
            else:
                (out / name).write_text("mine")
        else:
            targets = {"link to a file": "file.json", "link to a folder": "folder"}
            (out / name).symlink_to(victim / targets.get(odd, "nothing"))
        with pytest.raises(InputError, match="is there already"), OutFolder(out) as folder:
            folder.claim(job, resume=False)
        assert [one.name for one in out.iterdir()] == [name], odd
        if (out / name).is_dir() and not (out / name).is_symlink():
            (out / name).rmdir()
        else:
            (out / name).unlink()
        out.rmdir()
    assert contents(victim) == {"folder/thesis.txt": b"mine", "file.json": b"mine"}


def test_starting_over_deletes_only_what_mpn_wrote(
    mpn: Mpn, tmp_path: Path, fresh_weights: Path
) -> None:
    make_picture(tmp_path / "pics/1.png")
    make_picture(tmp_path / "pics/2.png", seed=2)
    command = ("annotate", "pics", "--model", fresh_weights, "--no-flip", "-o", "out", "--quiet",
               "--overlay", "--keep-parts")  # fmt: skip
    assert mpn(*command).returncode == 0
    out = tmp_path / "out"
    for name in ("notes.txt", "overlays/mine.jpg", "overlays/in/mine.txt", "parts/mine.txt"):
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text("mine")
    touched = out / "overlays/2.png.jpg"
    touched.write_bytes(touched.read_bytes() + b"worked on")
    (tmp_path / "pics/2.png").unlink()
    again = mpn(*command[:-2], "--no-resume")
    assert again.returncode == 0, again.stderr
    left = contents(out)
    assert {name for name, content in left.items() if content == b"mine"} == {
        "notes.txt", "overlays/mine.jpg", "overlays/in/mine.txt", "parts/mine.txt"
    }  # fmt: skip
    assert left["overlays/2.png.jpg"].endswith(b"worked on")
    assert {name for name in left if name.startswith("parts")} == {"parts/mine.txt"}
    assert "overlays/1.png.jpg" not in left


def test_results_corrected_by_hand_are_kept(mpn: Mpn, tmp_path: Path, fresh_weights: Path) -> None:
    make_picture(tmp_path / "pics/1.png")
    command = ("annotate", "pics", "--model", fresh_weights, "--no-flip", "-o", "out")
    assert mpn(*command).returncode == 0
    file = tmp_path / "out/dataset.json"
    corrected = json.loads(file.read_text())
    corrected["annotations"][0]["keypoints"][0] += 1
    file.write_text(json.dumps(corrected))
    refused = mpn(*command, "--no-resume")
    assert refused.returncode == 2
    assert "out/dataset.json is there already, which mpn did not write, or which was changed since"\
        in refused.stderr  # fmt: skip
    assert json.loads(file.read_text()) == corrected
    assert (tmp_path / "out/predictions.json").is_file()


def test_a_stranger_that_comes_while_the_job_runs(tmp_path: Path, job: Job) -> None:
    from mpn_cli.base.skeletons import COCO
    from mpn_cli.engine.parts import write_part
    from mpn_cli.results.poses import ShardResult
    from mpn_cli.results.run_record import RunCounts, RunRecord

    counts = RunCounts(pictures=0, people=0, skipped=0)
    record = RunRecord(job=JobRecord.of(job), counts=counts, seconds={"wall": 1.0})

    with OutFolder(tmp_path / "out") as out:
        out.claim(job, resume=True)
        write_part(out.parts, job.hash, 0, ShardResult([]))
        (tmp_path / "out/predictions.json").write_text("mine")
        with pytest.raises(InputError, match=r"predictions\.json is there already"):
            out.merge(job, [], COCO, record, keep_parts=False)
        assert (tmp_path / "out/predictions.json").read_text() == "mine"
        (tmp_path / "out/predictions.json").unlink()
        written = out.merge(job, [], COCO, record, keep_parts=False)
    assert written.files["predictions.json"] == hashlib.sha256(b"[]\n").hexdigest()
    assert (tmp_path / "out/predictions.json").read_text() == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dataset.json", "-o", "."], "results would replace dataset.json"),
        (["images", "--boxes", "dataset.json", "-o", "."], "results would replace dataset.json"),
        (["images", "-o", "images"], "--out images is the source folder itself"),
        (["link", "-o", "images/../images"], "is the source folder itself"),
        (["work/overlays", "-o", "work"], "lies in a folder that --out work writes to"),
        (["work/overlays/2.png", "-o", "work"], "lies in a folder that --out work writes to"),
        (["list.txt", "-o", "work"], "lies in a folder that --out work writes to"),
        (["images", "-o", "dataset.json"], "--out dataset.json is a file, not a folder"),
    ],
)
def test_out_is_no_source(mpn: Mpn, tmp_path: Path, arguments: list[str], message: str) -> None:
    make_picture(tmp_path / "images/1.png")
    make_picture(tmp_path / "work/overlays/2.png")
    (tmp_path / "link").symlink_to("images")
    (tmp_path / "dataset.json").write_text(json.dumps(LABELS))
    (tmp_path / "list.txt").write_text("work/overlays/2.png\n")
    before = contents(tmp_path)
    for again in ([], ["--no-resume"]):
        refused = mpn("annotate", *arguments, *again)
        assert refused.returncode == 2
        assert message in refused.stderr
        assert refused.stderr.count("\n") == 1
        assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ('out = "../victim"', "mpn.toml: --out ../victim leads out of the working folder"),
        ('out = "{parent}/victim"', "/victim leads out of the working folder"),
        ('out = "link"', "mpn.toml: --out link leads out of the working folder"),
        ('out = "."', "mpn.toml: --out . leads out of the working folder"),
        ("resume = false", "mpn.toml: --resume can't be set in a file of the working folder"),
        ('cluster = "tcp://127.0.0.1:1"', "mpn.toml: --cluster can't be set in a file"),
    ],
)
def test_a_settings_file_of_a_foreign_folder(
    mpn: Mpn, tmp_path: Path, setting: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "untrusted"
    make_picture(here / "1.png")
    (tmp_path / "victim").mkdir()
    (here / "link").symlink_to("../victim")
    (here / "mpn.toml").write_text(setting.format(parent=tmp_path))
    monkeypatch.chdir(here)
    with pytest.raises(InputError) as refused:
        resolve(AnnotateOptions, {})
    assert message in str(refused.value)
    (here / "mpn.toml").unlink()
    (here / "pyproject.toml").write_text(f"[tool.mpn]\n{setting.format(parent=tmp_path)}\n")
    with pytest.raises(InputError, match=r"^pyproject\.toml: "):
        resolve(AnnotateOptions, {})
    monkeypatch.setenv("MPN_RESUME", "false")  # the user's own word
    (here / "pyproject.toml").unlink()
    assert not resolve(AnnotateOptions, {}).settings.resume


def test_what_a_settings_file_decides_is_said(
    mpn: Mpn, tmp_path: Path, fresh_weights: Path
) -> None:
    make_picture(tmp_path / "pics/1.png")
    (tmp_path / "mpn.toml").write_text(f'out = "found"\nmodel = "{fresh_weights}"\n')
    (tmp_path / "pyproject.toml").write_text("[tool.mpn]\nkpt_thr = 0.2\n")
    done = mpn("annotate", "pics")
    assert done.returncode == 0, done.stderr
    assert done.stderr == (
        f"mpn: settings of this folder: out found (mpn.toml), model {fresh_weights} (mpn.toml),"
        " kpt_thr 0.2 (pyproject.toml)\n"
    )
    assert (tmp_path / "found/run.json").is_file()


def test_reports_tables_and_plots_over_other_files(
    mpn: Mpn, tmp_path: Path, fresh_weights: Path
) -> None:
    make_picture(tmp_path / "pics/1.png")
    assert mpn("annotate", "pics", "--model", fresh_weights, "-o", "out", "-q").returncode == 0
    mine = tmp_path / "out/report.html"
    mine.write_text("<html>mine</html>")
    for arguments in (["report", "out"], ["report", "out", "-o", "out/report.html"],
                      ["nms-bench", "--images", 2, "--markdown", "out/report.html"],
                      ["nms-bench", "--images", 2, "--plot", "mine.svg"]):  # fmt: skip
        (tmp_path / "mine.svg").write_text("<svg>mine</svg>")
        refused = mpn(*arguments)
        assert refused.returncode == 2
        assert "is there already, and mpn did not write it" in refused.stderr
        assert mine.read_text() == "<html>mine</html>"
        assert (tmp_path / "mine.svg").read_text() == "<svg>mine</svg>"
    bench = ("nms-bench", "--images", 2, "--crowd", 2, "--backend", "hard", "--repeat", 1)
    for _ in range(2):  # their own are replaced
        assert mpn("report", "out", "--page", "page.html").returncode == 0
        assert mpn(*bench, "--markdown", "table.md", "--plot", "times.png").returncode == 0
    assert mpn(*bench, "--markdown", "nowhere/table.md").returncode == 2


def test_what_a_killed_run_left_unfinished_is_cleared_away(
    mpn: Mpn, tmp_path: Path, fresh_weights: Path
) -> None:
    """Everywhere in OUT, and nothing that is only called alike."""
    make_picture(tmp_path / "pics/in/1.png")
    make_picture(tmp_path / "pics/2.png")
    command = ("annotate", "pics", "--model", fresh_weights, "--no-flip", "-o", "out", "--quiet",
               "--overlay")  # fmt: skip
    assert mpn(*command, "--keep-parts").returncode == 0
    out = tmp_path / "out"
    before = set(contents(out))
    (out / "skipped.jsonl").unlink()  # as if the run had been killed before it wrote that
    left = [
        kill_between_write_and_rename(out / name)
        for name in ("run.json", "parts/00000000.jsonl", "overlays/in/1.png.jpg")
    ]
    for file in left:
        file.with_suffix(".tmp2").write_text("mine")
    assert mpn(*command, "--keep-parts").returncode == 0
    assert set(contents(out)) == before | {
        str(file.with_suffix(".tmp2").relative_to(out)) for file in left
    }
