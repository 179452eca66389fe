"""Which pose network is meant, and an estimator for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from models.registry import MODELS, Model
from mpn_cli.errors import InputError
from mpn_cli.pipeline.recipe import Precision, Recipe, Runtime

if TYPE_CHECKING:
    from models.weights import WeightsHeader
    from mpn_cli.estimators.contract import Estimator


@contextmanager
def _weights_errors() -> Iterator[None]:
    """A WeightsError becomes an InputError."""
    from models.weights import WeightsError

    try:
        yield
    except WeightsError as error:
        raise InputError(str(error)) from None


def find_weights(name: str) -> tuple[Model, Path, WeightsHeader]:
    """The model, weight file and header behind ``--model``: a name or a weight file.

    Raises InputError where there is none.
    """
    from models.weights import read_header

    if name in MODELS:
        model = MODELS[name]
        if not model.weights.is_file():
            raise InputError(f"{name} comes without weights; give --model a weights file of it")
        file = model.weights
    elif Path(name).suffix or Path(name).exists():
        file = Path(name)
    else:
        raise InputError(f"--model {name}: neither a weights file nor one of {', '.join(MODELS)}")
    with _weights_errors():
        header = read_header(file)
    if header.model not in MODELS:
        raise InputError(f"{file}: weights of {header.model}, which is not known here")
    return MODELS[header.model], file, header


def choose_runtime(wanted: Runtime, precision: Precision) -> Runtime:
    """What ``auto`` means here: the fastest that is installed. Raises InputError."""
    has_openvino = find_spec("openvino") is not None
    if precision is Precision.INT8 and (wanted is Runtime.TORCH or not has_openvino):
        raise InputError("--precision int8 needs --runtime openvino")
    if wanted is Runtime.OPENVINO and not has_openvino:
        raise InputError("--runtime openvino: it is not installed; pip install openvino")
    if wanted is Runtime.AUTO:
        return Runtime.OPENVINO if has_openvino else Runtime.TORCH
    return wanted


def _form(recipe: Recipe) -> Path:
    """The OpenVINO file that a recipe means. Raises WeightsError and InputError."""
    from mpn_cli.estimators.openvino_cpu import checked_int8_form, openvino_form

    weights = Path(recipe.weights)
    if recipe.precision is Precision.INT8:
        return checked_int8_form(weights, recipe.weights_sha256)
    return openvino_form(MODELS[recipe.model], weights, recipe.weights_sha256)


def prepare_estimator(recipe: Recipe) -> None:
    """Do once what all workers need: OpenVINO's form of the weights. Raises InputError."""
    if recipe.runtime is Runtime.OPENVINO:
        with _weights_errors():
            _form(recipe)


def load_estimator(recipe: Recipe, threads: int | None = None) -> Estimator:
    """A ready estimator on so many CPU threads, all cores if None.

    Raises InputError for damaged weights and those of another network.
    """
    model, weights = MODELS[recipe.model], Path(recipe.weights)
    with _weights_errors():
        if recipe.runtime is Runtime.OPENVINO:
            from mpn_cli.estimators.openvino_cpu import OpenVinoEstimator

            return OpenVinoEstimator(_form(recipe), model, threads)
        from mpn_cli.estimators.torch_cpu import TorchEstimator

        return TorchEstimator(model, weights, threads)
