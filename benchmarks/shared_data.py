"""Where the data lies that is too large to come with the code: found, or missed in one line.

``$MPN_TEST_DATA`` names its folder; without it, that is ``shared/data`` beside this checkout.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

SHARED_DATA = Path(
    os.environ.get("MPN_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data"
).resolve()
COCO_DEV = SHARED_DATA / "coco_dev"


def needed(path: Path) -> Path:
    """The path itself. Where nothing is there, the program ends with one line and exit code 2."""
    if not path.exists():
        script = os.path.basename(sys.argv[0])
        print(
            f"{script}: {path}: no such file or folder; say where the data is by an argument"
            " (--help names them), or by MPN_TEST_DATA, the folder that holds coco_dev/",
            file=sys.stderr,
        )
        sys.exit(2)
    return path
