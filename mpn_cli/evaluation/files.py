"""Which file is meant by a place that is to be evaluated."""

from __future__ import annotations

from pathlib import Path

from mpn_cli.base.errors import InputError


def results_file(place: Path) -> Path:
    """A results file; of a folder that mpn annotate filled, its predictions.json.

    Raises InputError for a folder without one.
    """
    if not place.is_dir():
        return place
    file = place / "predictions.json"
    if not file.is_file():
        raise InputError(f"{place}/ holds no finished run of mpn annotate (no predictions.json)")
    return file
