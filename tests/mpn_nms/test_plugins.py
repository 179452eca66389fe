"""Plug-ins as installed distributions: real metadata on the import path."""

from pathlib import Path

import numpy as np
import pytest
from mpn_models.registry import DEFAULT_MODEL, MODELS
from mpn_nms.contract import Kept, NmsConfig, PoseBatch
from mpn_nms.hard import Hard
from mpn_nms.plugins import PluginError, Plugins, blamed
from mpn_nms.registry import make_backend, suppress

from mpn_cli.detectors.full_image import FullImage
from mpn_cli.nms_bench import bench as nms_bench
from mpn_cli.nms_bench.candidates import make_crowds
from tests.conftest import ROOT, install_plugin


def install(folder: Path, distribution: str, entry: str, module: str, code: str) -> None:
    install_plugin(folder, distribution, "mpn.nms_backends", entry, module, code)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def fresh() -> Plugins:
    return Plugins("mpn.nms_backends", "NMS backend")


def test_two_of_one_name_are_told_apart_by_distribution(site: Path) -> None:
    code = "class B:\n name='hard'\n methods=('hard',)\n def __call__(self, b, c): return b\n"
    install(site, "rival", "hard = rival_nms:B", "rival_nms", code)
    with pytest.raises(PluginError, match="mobileposenet:hard or rival:hard"):
        fresh().find("hard")
    assert fresh().find("rival:hard").version == "2.0"
    assert fresh().find("none").distribution == "mobileposenet"


def test_a_broken_plugin_is_listed_and_blamed(site: Path) -> None:
    install(site, "broken", "shaky = shaky_nms:B", "shaky_nms", "import not_installed_at_all\n")
    assert "shaky" in [plugin.name for plugin in fresh().all]
    with pytest.raises(PluginError, match=r"shaky \(of broken 2.0\).*not_installed_at_all"):
        make_backend(fresh().find("shaky"))


def test_an_object_that_is_no_backend(site: Path) -> None:
    install(site, "odd", "odd = odd_nms:THING", "odd_nms", "THING = 3\n")
    with pytest.raises(PluginError, match="odd:odd is no NMS backend"):
        make_backend(fresh().find("odd"))


def test_the_documented_backend_works(site: Path) -> None:
    page = (ROOT / "docs" / "nms.md").read_text()
    code = page.split("```python\n")[1].split("```")[0]
    entry = page.split("```toml\n")[1].split("```")[0].splitlines()[1].replace('"', "")
    install(site, "documented", entry, "my_package", code)
    backend = make_backend(fresh().find("joint-box-iou"))
    corners = np.array([[0.0, 0.0], [10.0, 10.0]])
    batch = PoseBatch(
        np.stack([corners, corners + 0.1, corners + 50]), np.ones((3, 2)),
        np.array([0.5, 0.9, 0.7]), np.full(3, 100.0), np.array([0, 3]), np.ones(2),
    )  # fmt: skip
    assert suppress(backend, batch, NmsConfig(thr=0.8)).rows.tolist() == [1, 2]


def test_unknown_name_lists_what_is_installed() -> None:
    with pytest.raises(
        PluginError, match="no NMS backend named fast; installed: hard, matrix, matrix-cuda, none"
    ):
        fresh().find("fast")


class Answers:
    """A backend that gives a fixed answer."""

    name = "answers"
    methods: tuple[str, ...] = ("hard",)

    def __init__(self, rows: list[int], scores: list[float]) -> None:
        self.kept = Kept(np.array(rows), np.array(scores), np.array([0, len(rows)]))

    def __call__(self, batch: PoseBatch, config: NmsConfig) -> Kept:
        return self.kept


@pytest.mark.parametrize(
    ("rows", "scores", "message"),
    [
        ([0, 2], [0.9, 0.8], "rows that the picture does not have"),
        ([0, 0], [0.9, 0.8], "a row twice"),
        ([0, 1], [0.8, 0.9], "unsorted scores"),
        ([0], [float("nan")], "no number"),
        ([0, 1], [0.9], "more scores than rows, or fewer"),
    ],
)
def test_a_backend_that_breaks_the_contract_is_named(
    rows: list[int], scores: list[float], message: str
) -> None:
    batch = PoseBatch(
        np.zeros((2, 1, 2)), np.ones((2, 1)), np.ones(2), np.ones(2), np.array([0, 2]), np.ones(1)
    )
    with pytest.raises(PluginError, match=f"NMS backend answers .*{message}"):
        suppress(Answers(rows, scores), batch, NmsConfig())


def test_a_broken_plugin_does_not_stop_the_bench(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, "broken", "shaky = shaky_nms:B", "shaky_nms", "import not_installed_at_all\n")
    monkeypatch.setattr(nms_bench, "BACKENDS", fresh())
    crowds = make_crowds(np.array([3]), seed=0)
    rows = nms_bench.run_bench(crowds, None, NmsConfig(), repeat=1, truth=None)
    assert {row.backend for row in rows} == {"hard", "soft", "matrix", "numba", "none"}
    with pytest.raises(PluginError, match=r"shaky .*does not load"):
        nms_bench.run_bench(crowds, ["shaky"], NmsConfig(), repeat=1, truth=None)


@pytest.mark.parametrize("ours", [Hard(), MODELS[DEFAULT_MODEL], FullImage()], ids=type)
def test_a_bug_of_ours_is_not_a_plugin_s(ours: object) -> None:
    with pytest.raises(ZeroDivisionError), blamed(ours, "thing"):
        raise ZeroDivisionError
