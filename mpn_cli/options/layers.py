"""Options and where each came from: built in, mpn.toml, pyproject.toml, MPN_*, command line."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, MultipleOf
from mpn_models.registry import DEFAULT_MODEL, PERSON_DETECTOR
from mpn_nms.registry import DEFAULT_BACKEND
from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    PyprojectTomlConfigSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from mpn_cli.base.choices import Decode, JointConfidence, Precision, Runtime, Score
from mpn_cli.base.errors import InputError
from mpn_cli.detectors.registry import DEFAULT_DETECTOR

Share = Annotated[float, Ge(0), Le(1)]
Positive = Annotated[int, Gt(0), Le(2**31 - 1)]
LongSide = Annotated[int, Ge(64), Le(4096), MultipleOf(32)]

CONFIG_FILE = "mpn.toml"
PROJECT_FILE = "pyproject.toml"
ENVIRONMENT = "environment"
COMMAND_LINE = "command line"

_NOT_FROM_FILES = {
    "resume": "it decides whether results are deleted",
    "cluster": "whoever answers there runs code here",
}
"""Options that no file decides which happens to lie in the working folder, and why."""


class AnnotateSettings(BaseSettings):
    """The options of ``mpn annotate`` that may also stand in a file or a variable."""

    model_config = SettingsConfigDict(
        env_prefix="MPN_",
        toml_file=CONFIG_FILE,
        pyproject_toml_table_header=("tool", "mpn"),
        extra="forbid",
        allow_inf_nan=False,
    )

    out: Path = Path("mpn-out")
    model: str = DEFAULT_MODEL
    detector: str = DEFAULT_DETECTOR
    detector_size: LongSide = PERSON_DETECTOR.long_side
    bbox_thr: Share = 0.2
    box_nms_thr: Share = 0.55
    max_boxes: Positive = 100
    nms: str = DEFAULT_BACKEND
    nms_method: str = "hard"
    nms_thr: Share = 0.8
    kpt_thr: Share = 0.1
    oks_vis_thr: Share | None = None
    max_dets: Positive = 20
    pose_thr: Share | None = None
    flip: bool = True
    flip_thr: Share = 0.3
    decode: Decode = Decode.DARK
    score: Score = Score.AUTO
    joint_confidence: JointConfidence = JointConfidence.AUTO
    runtime: Runtime = Runtime.AUTO
    precision: Precision = Precision.AUTO
    device: str = "cpu"
    workers: Positive | None = None
    cluster: str | None = None
    batch: Positive = 4
    shard_size: Positive | None = None
    fast_decode: bool = False
    overlay: bool = False
    overlay_boxes: bool = False
    overlay_scores: bool = False
    keep_parts: bool = False
    resume: bool = True

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The command line, then the layers under it; the first that says something wins."""
        return (init_settings, *_layers(settings_cls).values())


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings and, for each, the name of the layer it came from."""

    settings: AnnotateSettings
    origins: dict[str, str]

    def from_files(self) -> list[str]:
        """What files of the working folder decided, as ``batch 2 (mpn.toml)``."""
        return [
            f"{name} {getattr(self.settings, name)} ({layer})"
            for name, layer in self.origins.items()
            if layer in (CONFIG_FILE, PROJECT_FILE)
        ]

    def is_default(self, name: str) -> bool:
        """Whether nobody said anything about an option."""
        return self.origins[name] == "default"


def _layers(settings_cls: type[BaseSettings]) -> dict[str, PydanticBaseSettingsSource]:
    """The layers under the command line, the strongest first."""
    return {
        ENVIRONMENT: EnvSettingsSource(settings_cls),
        CONFIG_FILE: TomlConfigSettingsSource(settings_cls),
        PROJECT_FILE: PyprojectTomlConfigSettingsSource(settings_cls),
    }


def resolve(command_line: dict[str, Any]) -> Resolved:
    """Merge all layers; options that are None on the command line were not given.

    Raises InputError naming the option, its layer and what is wrong with it.
    """
    given = {name: value for name, value in command_line.items() if value is not None}
    origins = dict.fromkeys(AnnotateSettings.model_fields, "default")
    try:
        for layer, source in reversed(_layers(AnnotateSettings).items()):
            found = source()
            if layer != ENVIRONMENT:
                _check_file(layer, found)
            origins.update(dict.fromkeys(found, layer))
        origins.update(dict.fromkeys(given, COMMAND_LINE))
        return Resolved(AnnotateSettings(**given), origins)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        layer = origins.get(name, "default")
        what = "unknown option" if first["type"] == "extra_forbidden" else first["msg"]
        raise InputError(
            f"{layer}: {_option_name(name)}: {what} (got {first['input']!r})"
        ) from None
    except InputError:
        raise
    except (ValueError, OSError) as error:  # a TOML file that is none, or can't be read
        raise InputError(f"{CONFIG_FILE} or {PROJECT_FILE}: {error}") from None


def _check_file(layer: str, found: dict[str, Any]) -> None:
    """Raise InputError for what a file of the working folder may not say.

    Such a file may come with a folder that somebody else made, and nobody may have read it.
    """
    for name, why in _NOT_FROM_FILES.items():
        if name in found:
            raise InputError(
                f"{layer}: {_option_name(name)} can't be set in a file of the working folder"
                f" ({why}); give it on the command line or as MPN_{name.upper()}"
            )
    out = found.get("out")
    if isinstance(out, str) and not _is_inside(out):
        raise InputError(
            f"{layer}: --out {out} leads out of the working folder; give it on the command line or"
            " as MPN_OUT"
        )


def _is_inside(path: str) -> bool:
    """Whether a path, links followed, lies below the working folder."""
    here = os.path.realpath(os.curdir)
    return os.path.realpath(path).startswith(here.rstrip(os.sep) + os.sep)


def _option_name(name: str) -> str:
    return "--" + name.replace("_", "-")
