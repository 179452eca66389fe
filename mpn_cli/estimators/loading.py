"""Which pose network is meant, and an estimator for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from models.registry import MODELS, Model
from mpn_cli.errors import InputError

if TYPE_CHECKING:
    from models.weights import WeightsHeader
    from mpn_cli.estimators.contract import Estimator


def find_weights(name: str) -> tuple[Model, Path, WeightsHeader]:
    """The model, weight file and header behind ``--model``: a name or a weight file.

    Raises InputError where there is none.
    """
    from models.weights import WeightsError, read_header

    if name in MODELS:
        model = MODELS[name]
        if not model.weights.is_file():
            raise InputError(f"{name} comes without weights; give --model a weights file of it")
        file = model.weights
    elif Path(name).suffix or Path(name).exists():
        file = Path(name)
    else:
        raise InputError(f"--model {name}: neither a weights file nor one of {', '.join(MODELS)}")
    try:
        header = read_header(file)
    except WeightsError as error:
        raise InputError(str(error)) from None
    if header.model not in MODELS:
        raise InputError(f"{file}: weights of {header.model}, which is not known here")
    return MODELS[header.model], file, header


def load_estimator(model: Model, weights: Path) -> Estimator:
    """A ready estimator. Raises InputError for damaged weights and those of another network."""
    from models.weights import WeightsError, load_weights
    from mpn_cli.estimators.torch_cpu import TorchEstimator

    try:
        network, _ = load_weights(weights, model)
    except WeightsError as error:
        raise InputError(str(error)) from None
    return TorchEstimator(network, model.input_size)
