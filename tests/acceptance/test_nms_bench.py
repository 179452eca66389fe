import json
from pathlib import Path

from tests.acceptance.conftest import Mpn
from tests.cli.test_paper_tables import check_latex


def test_crowds(mpn: Mpn, tmp_path: Path) -> None:
    done = mpn(
        "nms-bench", "--images", "40", "--crowd", "1,12", "--repeat", "2", "--markdown", "t.md"
    )
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "differ" not in done.stdout
    assert (tmp_path / "t.md").read_text().startswith("| backend | method |")


def test_all_methods_agree_and_ap_is_given(mpn: Mpn, coco_dev: Path) -> None:
    done = mpn(
        "nms-bench", coco_dev / "pose_candidates.json", "--gt", coco_dev / "person_keypoints.json",
        "--repeat", "1", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = {(row["backend"], row["method"]): row for row in json.loads(done.stdout)["rows"]}
    assert {row["agrees"] for key, row in rows.items() if key[0] != "none"} == {"yes"}
    # Measured on the same candidates by an independent script, without any suppression.
    assert abs(rows["none", "none"]["ap"] - 0.4886) < 5e-4
    assert rows["numba", "hard"]["ap"] == rows["hard", "hard"]["ap"] > rows["none", "none"]["ap"]
    assert rows["matrix", "matrix"]["kept"] == rows["numba", "matrix"]["kept"]


def test_table_7_and_the_plot(mpn: Mpn, tmp_path: Path) -> None:
    done = mpn(
        "nms-bench", "--images", "4", "--repeat", "1", "--backend", "hard,soft,numba", "--table7",
        "--plot", "times.svg", "--markdown", "t.md", "--latex", "t.tex",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "another machine" in done.stdout
    written = (tmp_path / "t.tex").read_text()
    assert "another machine" in written
    _, *lines = check_latex(written, 7)
    assert [line[0] for line in lines] == ["hard", "hard", "soft", "soft", "matrix"]
    rows = [line.split(" | ") for line in (tmp_path / "t.md").read_text().splitlines()[2:-2]]
    assert [row[0].strip("| ") for row in rows] == ["hard", "hard", "soft", "soft", "matrix"]
    assert [row[1:4:2] for row in rows[:2]] == [["67.7", "hard"], ["67.7", "numba"]]
    plot = (tmp_path / "times.svg").read_text()
    assert plot.count("numba, ") == 5  # matplotlib writes each label as a comment
    assert "poses per picture" in plot


def test_what_cant_be_used(mpn: Mpn, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"image_id": 1, "keypoints": [1, 2, 0.5], "score": 1}]')
    full = {"image_id": 1, "keypoints": [1, 2, 0.5] * 17, "score": 1}
    (tmp_path / "b.json").write_text(json.dumps([full]))
    (tmp_path / "c.json").write_text("{}")
    for arguments, message in (
        (["none.json"], "none.json: No such file"),
        (["a.json"], "poses of 1 joints"),
        (["b.json"], "result 0 has neither area nor bbox"),
        (["c.json"], "not a list of COCO keypoint results"),
        (["--crowd", "x"], "--crowd x: poses per picture"),
        (["--gt", "b.json"], "--gt goes with a file of candidates"),
        (["--backend", "x", "--images", "2"], "no NMS backend named x"),
        (["--plot", "x.gif"], "--plot x.gif: not one of .svg, .png, .pdf"),
    ):
        done = mpn("nms-bench", *arguments)
        assert done.returncode == 2
        assert message in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_ground_truth_that_tells_no_ap_is_an_error(mpn: Mpn, tmp_path: Path) -> None:
    joints = [1, 2, 2, 9, 9, 2] * 8 + [5, 6, 2]
    pose = {"image_id": 1, "category_id": 3, "keypoints": joints, "score": 1, "area": 900}
    label = {"id": 0, "image_id": 1, "category_id": 3, "keypoints": joints, "bbox": [0, 0, 30, 30]}
    truth = {"images": [{"id": 1, "license": ""}], "annotations": [label],
             "categories": [{"id": 3, "name": "person"}], "info": {"year": ""}}  # fmt: skip
    files = {
        "poses.json": [pose], "strange.json": [{**pose, "category_id": 1}], "truth.json": truth,
        "nobody.json": {**truth, "annotations": [{**label, "num_keypoints": 0}]},
    }  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    run = ("--repeat", "1", "--backend", "hard", "--json")
    done = mpn("nms-bench", "poses.json", "--gt", "truth.json", *run)
    (row,) = json.loads(done.stdout)["rows"]
    assert abs(row["ap"] - 1) < 1e-9
    for poses, labels, message in (
        ("poses.json", "nobody.json", "nobody has to be found"),
        ("strange.json", "truth.json", "none of its poses has a category of truth.json"),
        ("poses.json", "poses.json", "not a COCO data set"),
    ):
        done = mpn("nms-bench", poses, "--gt", labels, *run)
        assert done.returncode == 2
        assert message in done.stderr.splitlines()[-1]
