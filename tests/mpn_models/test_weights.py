import pickle
from pathlib import Path

import pytest
import torch
from mpn_models.registry import DEFAULT_MODEL, MODELS, PERSON_DETECTOR, DetectorModel, Model
from mpn_models.weights import WeightsError, load_weights, read_header, save_weights
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from mpn_cli.networks.scoring import read_score_model, score_file

MODEL = MODELS[DEFAULT_MODEL]


def test_round_trip_keeps_half_precision_values(fresh_weights: Path) -> None:
    network, header = load_weights(fresh_weights, MODEL)
    assert header.model == MODEL.name
    again = fresh_weights.with_name("again.safetensors")
    assert save_weights(again, network, header.model) == header.sha256


def test_a_flipped_bit_is_found(fresh_weights: Path, tmp_path: Path) -> None:
    content = bytearray(fresh_weights.read_bytes())
    content[-1000] ^= 1
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(content)
    with pytest.raises(WeightsError, match="damaged"):
        load_weights(damaged, MODEL)


def test_truncated_file(fresh_weights: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "short.safetensors"
    damaged.write_bytes(fresh_weights.read_bytes()[:5000])
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        load_weights(damaged, MODEL)


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    file = tmp_path / "model.pth"
    file.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(WeightsError, match="pickled weights are not loaded"):
        load_weights(file, MODEL)
    assert not (tmp_path / "ran").exists()


def test_foreign_safetensors(tmp_path: Path) -> None:
    file = tmp_path / "foreign.safetensors"
    save_file({"x": torch.zeros(3)}, file)
    with pytest.raises(WeightsError, match="not one of mpn's"):
        read_header(file)


def lying(fresh_weights: Path, file: Path, **changes: str | None) -> Path:
    """A copy whose header says something else; None: does not say it."""
    with safe_open(fresh_weights, "pt") as content:
        said = content.metadata() | changes
    header = {key: value for key, value in said.items() if value is not None}
    save_file(load_file(fresh_weights), file, header)
    return file


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": None}, "does not match its hash"),
        ({"sha256": "../../../elsewhere/x"}, "does not match its hash"),
        ({"sha256": "0" * 64}, "does not match its hash"),
        ({"model": None}, "does not say which network"),
        ({"model": ""}, "does not say which network"),
        ({"format": None}, "not one of mpn's"),
    ],
)
def test_a_header_is_not_believed(
    fresh_weights: Path, tmp_path: Path, changes: dict[str, str | None], message: str
) -> None:
    file = lying(fresh_weights, tmp_path / "lying.safetensors", **changes)
    with pytest.raises(WeightsError, match=message):
        read_header(file)
    with pytest.raises(WeightsError, match=message):
        load_weights(file, MODEL)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(tmp_path: Path, value: float) -> None:
    network = MODEL.build()
    torch.nn.init.constant_(network.head.weight, value)
    file = tmp_path / "odd.safetensors"
    save_weights(file, network, MODEL.name)
    with pytest.raises(WeightsError, match="not finite"):
        read_header(file)


def test_numbers_of_a_kind_that_numpy_lacks(fresh_weights: Path, tmp_path: Path) -> None:
    file = tmp_path / "bfloat.safetensors"
    with safe_open(fresh_weights, "pt") as content:
        header = content.metadata()
    save_file({n: t.bfloat16() for n, t in load_file(fresh_weights).items()}, file, header)
    # With ml_dtypes imported numpy has that kind, and then the hash is that of other numbers.
    with pytest.raises(WeightsError, match=r"bfloat16|does not match its hash"):
        read_header(file)


def test_weights_of_another_architecture(tmp_path: Path) -> None:
    other = MODELS["ablation-v2-256x192"]
    file = tmp_path / "v2.safetensors"
    save_weights(file, other.build(), other.name)
    with pytest.raises(WeightsError, match="do not fit mobileposenet-256x192"):
        load_weights(file, MODEL)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such weights file"):
        load_weights(tmp_path / "none.safetensors", MODEL)


def test_shipped_weights_match_their_cards() -> None:
    shipped: list[Model | DetectorModel] = [
        *(m for m in MODELS.values() if m.weights.is_file()),
        PERSON_DETECTOR,
    ]
    assert len(shipped) > 1
    for model in shipped:
        _, header = load_weights(model.weights, model)
        assert header.model == model.name
        assert header.sha256 in model.weights.with_suffix(".md").read_text()


def test_shipped_weights_have_a_score_model_of_their_own() -> None:
    """New weights need `mpn calibrate` (docs/scores.md), else poses are scored by eq. 6."""
    for model in (m for m in MODELS.values() if m.weights.is_file()):
        fitted = read_score_model(score_file(model.weights))
        assert fitted.weights_sha256 == read_header(model.weights).sha256
        assert fitted.joints == model.joints
