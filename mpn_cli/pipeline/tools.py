"""What a worker loads once and keeps: the networks and the NMS backend of a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mpn_nms.contract import NmsBackend
from mpn_nms.registry import find_backend

from mpn_cli.base.devices import CPU
from mpn_cli.base.recipe import Recipe
from mpn_cli.base.skeletons import SKELETONS, Skeleton
from mpn_cli.base.stopwatch import Stopwatch
from mpn_cli.detectors.contract import Detector
from mpn_cli.detectors.registry import find_detector
from mpn_cli.networks.contract import Finder, PoseNetwork
from mpn_cli.networks.scoring import ScoreModel, load_scoring
from mpn_cli.networks.sources import network_of
from mpn_cli.pipeline.poses import HeatmapNetwork


@dataclass(frozen=True)
class Tools:
    """Everything needed to process shards with a recipe."""

    recipe: Recipe
    network: PoseNetwork
    detector: Detector | None
    """None where all pictures come with boxes."""
    backend: NmsBackend
    threads: int | None = None
    """CPU threads, all cores if None."""
    score_model: ScoreModel | None = None
    """None where the recipe needs none."""

    @classmethod
    def load(cls, recipe: Recipe, threads: int | None = None, device: str | None = None) -> Tools:
        """Load all of a recipe for a number of CPU threads, or onto a ``device`` of its kind.

        Raises InputError or PluginError.
        """
        device = device or recipe.device
        source = network_of(recipe)
        network: PoseNetwork
        if device == CPU:
            network = HeatmapNetwork(source.load(recipe, threads), recipe.decode, recipe.batch)
        else:
            network = source.load_on_device(recipe, device)
        detector = None
        if recipe.detector:
            found = find_detector(recipe.detector)
            detector = found.load(recipe.detector_setup, threads, device)
        return cls(
            recipe=recipe,
            network=network,
            detector=detector,
            backend=find_backend(recipe.nms, recipe.nms_method),
            threads=threads,
            score_model=load_scoring(Path(recipe.weights), recipe.score_sha256),
        )

    @property
    def reading_threads(self) -> int:
        """Number of pictures decoded at the same time."""
        return self.network.reading_threads(self.threads)

    def pose_finder(self, stopwatch: Stopwatch) -> Finder:
        """A new finder for one shard's boxes."""
        return self.network.finder(stopwatch)

    @property
    def skeleton(self) -> Skeleton:
        """The network's joint set."""
        return SKELETONS[self.network.joints]
