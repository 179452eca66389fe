"""Networks by name. Importing this needs no torch; building one does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mpn_models.architecture import ABLATION_V1, ABLATION_V2, MOBILEPOSENET, Architecture

if TYPE_CHECKING:
    from mpn_models.nanodet import NanoDetPerson
    from mpn_models.network import MobilePoseNet

WEIGHTS_FOLDER = Path(__file__).parent / "weights"


@dataclass(frozen=True, slots=True)
class Model:
    """An architecture at an input size, and what the paper says of it."""

    name: str
    architecture: Architecture
    input_size: tuple[int, int]
    """(width, height), pixels."""
    joints: int
    paper_parameters: float
    """Millions, as printed (Tables 2 to 4, 6)."""
    paper_gflops: float
    """As printed: multiply-adds / 2^20 / 1000."""

    @property
    def weights(self) -> Path:
        """Where this model's own weights are, if it comes with some."""
        return WEIGHTS_FOLDER / f"{self.name}.safetensors"

    def build(self) -> MobilePoseNet:
        """The network with fresh weights."""
        from mpn_models.network import build_network

        return build_network(self.architecture, self.joints)


_ALL = (
    Model("mobileposenet-256x192", MOBILEPOSENET, (192, 256), 17, 1.5, 0.55),
    Model("mobileposenet-384x288", MOBILEPOSENET, (288, 384), 17, 1.5, 1.23),
    Model("mobileposenet-256x256-mpii", MOBILEPOSENET, (256, 256), 16, 1.5, 0.74),
    Model("ablation-v1-256x192", ABLATION_V1, (192, 256), 17, 2.5, 0.604),
    Model("ablation-v1-384x288", ABLATION_V1, (288, 384), 17, 2.5, 1.33),
    Model("ablation-v2-256x192", ABLATION_V2, (192, 256), 17, 2.1, 0.684),
    Model("ablation-v2-384x288", ABLATION_V2, (288, 384), 17, 2.1, 1.5),
)

MODELS = {model.name: model for model in _ALL}
DEFAULT_MODEL = "mobileposenet-256x192"


@dataclass(frozen=True, slots=True)
class DetectorModel:
    """A person detector and the input size it is meant for."""

    name: str
    long_side: int
    """Pixels of the input's longer side."""

    @property
    def weights(self) -> Path:
        """Where its own weights are."""
        return WEIGHTS_FOLDER / f"{self.name}.safetensors"

    def build(self) -> NanoDetPerson:
        """The network with fresh weights."""
        from mpn_models.nanodet import NanoDetPerson

        return NanoDetPerson()


PERSON_DETECTOR = DetectorModel("nanodet-g-person", 416)
