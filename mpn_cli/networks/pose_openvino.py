"""The folded network in OpenVINO on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mpn_models.registry import Model

from mpn_cli.base.arrays import Float32Array, Picture
from mpn_cli.networks.contract import Conventions
from mpn_cli.networks.openvino_forms import cached_form
from mpn_cli.networks.openvino_models import compiled, convert
from mpn_cli.networks.openvino_offline import openvino


class OpenVinoEstimator:
    """The network as an OpenVINO IR, with the normalisation of pixels included.

    form: the IR's XML file (:func:`openvino_form`); threads: CPU threads, all cores if None.
    """

    def __init__(self, form: Path, model: Model, threads: int | None) -> None:
        self.input_size = model.input_size
        self.joints = model.joints
        self.conventions = Conventions()
        self._request = compiled(form, threads).create_infer_request()

    def heatmaps(self, crops: Picture) -> Float32Array:
        """Crops (N, H, W, 3) uint8 RGB -> heatmaps (N, K, h, w) float32."""
        result = self._request.infer({0: crops}, share_inputs=True, share_outputs=True)
        return np.array(result[0], dtype=np.float32)


def openvino_form(model: Model, weights: Path, sha256: str) -> Path:
    """The IR's XML file in the user's cache, made at a weight file's first use.

    Raises WeightsError for damaged weights, InputError if the cache can't be written.
    """
    return cached_form(model.name, sha256, lambda: convert_weights(model, weights))


def convert_weights(model: Model, weights: Path) -> openvino.Model:
    """Convert a weight file to OpenVINO: uint8 crops (N, H, W, 3) -> heatmaps (N, K, h, w).

    Raises WeightsError.
    """
    from mpn_models.folded import fold
    from mpn_models.weights import load_weights

    width, height = model.input_size
    network, _ = load_weights(weights, model)
    return convert(fold(network), model.input_size, [-1, 3, height, width])
