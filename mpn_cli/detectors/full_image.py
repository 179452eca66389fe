"""One person filling each picture: for crops and portraits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mpn_cli.base.arrays import Float64Array, Picture


class FullImage:
    """The whole picture is one box with score 1."""

    name = "full-image"
    whole_pictures = True
    one_by_one = True

    def __call__(self, pictures: Sequence[Picture]) -> list[Float64Array]:
        """(1, 5) for each picture."""
        return [
            np.array([[0.0, 0.0, picture.shape[1], picture.shape[0], 1.0]]) for picture in pictures
        ]
