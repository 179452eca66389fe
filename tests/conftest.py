"""What many tests need: a network with fresh weights, pictures, the shared data if it is there."""

import os
import signal
import tempfile

# Two test processes with two threads each would wait for each other on two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Networks that tests make must not fill the user's cache; pytest-xdist's processes inherit this.
if "PYTEST_XDIST_WORKER" not in os.environ:
    _cache = tempfile.TemporaryDirectory(prefix="mpn-tests-")
    os.environ["XDG_CACHE_HOME"] = _cache.name
# Most tests' pictures are of noise, in which a detector rightly finds nobody.
os.environ["MPN_DETECTOR"] = "full-image"

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mpn_models.registry import MODELS
from mpn_models.weights import save_weights

# A shell that starts the tests in the background, or nohup, makes them ignore these signals, and
# with them every command that they start.
for _number, _handler in (
    (signal.SIGINT, signal.default_int_handler),
    (getattr(signal, "SIGHUP", signal.SIGINT), signal.SIG_DFL),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)

ROOT = Path(__file__).parent.parent
SHARED_DATA = Path(os.environ.get("MPN_TEST_DATA") or ROOT.parent / "shared" / "data").resolve()


@pytest.fixture(scope="session")
def fresh_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 256x192 weight file of an untrained network whose heatmaps have clear peaks."""
    torch.manual_seed(3)
    network = MODELS["mobileposenet-256x192"].build()
    torch.nn.init.normal_(network.head.weight, 0.0, 0.05)
    file = tmp_path_factory.mktemp("weights") / "fresh.safetensors"
    save_weights(file, network, "mobileposenet-256x192")
    return file


@pytest.fixture(scope="session")
def coco_dev() -> Path:
    """The measuring data set, or a skip."""
    folder = SHARED_DATA / "coco_dev"
    if not folder.is_dir():
        pytest.skip(f"needs {folder}")
    return folder


def make_picture(file: Path, width: int = 120, height: int = 160, seed: int = 0) -> Path:
    """Write a picture with smooth content."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (8, 6, 3), dtype=np.uint8)
    picture = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    file.parent.mkdir(parents=True, exist_ok=True)
    _, encoded = cv2.imencode(file.suffix, picture)
    file.write_bytes(encoded.tobytes())
    return file


def install_plugin(
    folder: Path, distribution: str, group: str, entry: str, module: str, code: str
) -> None:
    """A distribution with one entry point: real metadata, for a folder on the import path."""
    metadata = folder / f"{distribution}-2.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 2.0\n"
    )
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{entry}\n")
    (folder / f"{module}.py").write_text(code)
