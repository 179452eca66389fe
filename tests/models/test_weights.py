import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from models.registry import DEFAULT_MODEL, MODELS, PERSON_DETECTOR
from models.weights import WeightsError, load_weights, read_header, save_weights
from mpn_cli.pipeline.scoring import read_score_model, score_file

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
    shipped = [*(m for m in MODELS.values() if m.weights.is_file()), PERSON_DETECTOR]
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
