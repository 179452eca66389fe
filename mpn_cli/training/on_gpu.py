"""A whole training run on a lent GPU: unpack, train within the minutes, leave weights and log.

    python -m mpn_cli.training.on_gpu packed/*.tar -o OUT --minutes 24

``packed/*.tar`` come from :mod:`mpn_cli.training.packing`. With ``--device cpu`` and tiny stages it
is rehearsed anywhere. Started again with the same OUT it goes on where it was.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from mpn_cli.training.loop import Trainer
from mpn_cli.training.packing import unpack
from mpn_cli.training.recipe import Recipe, Stage


def main() -> None:
    """Run from the command line."""
    started = time.monotonic()
    arguments = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    arguments.add_argument("packed", nargs="+", type=Path, help="tar files of crops")
    arguments.add_argument("-o", "--out", type=Path, required=True, help="weights and log")
    arguments.add_argument("--work", type=Path, default=Path("/tmp/mpn-crops"))
    arguments.add_argument("--device", default="cuda")
    arguments.add_argument("--minutes", type=float, default=24.0, help="in all")
    arguments.add_argument("--model", default="mobileposenet-256x192")
    arguments.add_argument("--stages", default="256x192:400")
    arguments.add_argument("--mix", default="1.5,0.8,0.8")
    arguments.add_argument("--batch", type=int, default=128)
    arguments.add_argument("--learning-rate", type=float, default=2e-3)
    arguments.add_argument("--validate-epochs", type=int, default=10)
    arguments.add_argument("--init", type=Path)
    given = arguments.parse_args()
    data = unpack(given.packed, given.work)
    recipe = Recipe(
        data=tuple(data),
        mix=tuple(float(part) for part in given.mix.split(","))[: len(data)],
        stages=tuple(Stage.parse(stage) for stage in given.stages.split(",")),
        model=given.model,
        initial_weights=given.init,
        batch=given.batch,
        learning_rate=given.learning_rate,
        weight_decay=0.02,
        augment="paper",
        device=given.device,
        crops_on="device",
        validate_epochs=given.validate_epochs,
    )
    left = given.minutes - (time.monotonic() - started) / 60
    trainer = Trainer(recipe, given.out, lambda event: print(event, flush=True), left)
    trainer.run()


if __name__ == "__main__":
    main()
