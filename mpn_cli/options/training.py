"""The options of ``mpn train`` and ``mpn calibrate``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Ge
from mpn_models.registry import DEFAULT_MODEL

from mpn_cli.options.declaring import Declared, Natural, Option, Positive, Share


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions(Declared):
    """What ``mpn train`` can be told."""

    TABLE: ClassVar[str] = "train"

    model: Annotated[str, Option("A name from mpn models.")] = DEFAULT_MODEL
    stages: Annotated[
        str, Option("HEIGHTxWIDTH:EPOCHS, small inputs first: they train faster.")
    ] = "128x96:60,192x144:20,256x192:10"
    mix: Annotated[
        str | None,
        Option("How often people of each data set are drawn, as 1.5,0.8.", shown="all alike"),
    ] = None
    init: Annotated[Path | None, Option("Weights to start from.", shown="fresh ones")] = None
    batch: Annotated[int, Ge(2), Option("People per step.")] = 32
    optimizer: Annotated[str, Option("adamw, adam or muon.")] = "adamw"
    learning_rate: Annotated[float, Ge(0), Option("At its highest.")] = 1e-3
    weight_decay: Annotated[float, Ge(0), Option("Of the optimizer, decoupled.")] = 0.01
    schedule: Annotated[str, Option("cosine, step or constant.")] = "cosine"
    warmup: Annotated[Natural, Option("Steps of rising learning rate.")] = 300
    loss: Annotated[str, Option("cross-entropy or mse (the paper's).")] = "cross-entropy"
    augment: Annotated[
        str, Option("paper; light: for short runs; crowd: light, with people pasted in.")
    ] = "paper"
    ema_decay: Annotated[Share, Option("Of the averaged weights, per step.")] = 0.998
    precision: Annotated[str, Option("fp32, or bf16: wide 1x1 convolutions in bfloat16.")] = "fp32"
    join_head: Annotated[
        bool,
        Option(
            "Train the last block and the head as one product, a fifth faster; for going on from"
            " trained weights: the batch norm between them stays as it is."
        ),
    ] = False
    processes: Annotated[
        Positive, Option("Processes that share each batch, each with --threads threads.")
    ] = 1
    seed: Annotated[Natural, Option("Of all that is drawn at random.")] = 0
    threads: Annotated[Positive | None, Option("CPU threads.", shown="all cores")] = None
    device: Annotated[str, Option("cpu, cuda, cuda:1 or mps.")] = "cpu"
    minutes: Annotated[
        Annotated[float, Ge(0.01)] | None,
        Option("End after so long; the learning rate falls by then.", shown="no limit"),
    ] = None
    validate_epochs: Annotated[Positive, Option("Epochs between validations.")] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrateOptions(Declared):
    """What ``mpn calibrate`` can be told."""

    TABLE: ClassVar[str] = "calibrate"

    model: Annotated[str, Option("A name from mpn models, a weights file, or onnx:FILE.")] = (
        DEFAULT_MODEL
    )
    out: Annotated[
        Path | None,
        Option("The score model.", shown="beside the weights", names=("--out", "-o"), written=True),
    ] = None
    precision: Annotated[str | None, Option("fp32, or int8: faster.", shown="fp32")] = None
