"""Rows of two tables brought together by the picture they belong to."""

from __future__ import annotations

import numpy as np

from mpn_cli.base.arrays import IntArray


def equal_pairs(a: IntArray, b: IntArray) -> tuple[IntArray, IntArray]:
    """All pairs of a row of ``a`` (N,) and a row of ``b`` (M,) with the same value.

    Two arrays (P,) of rows, ordered by the row of ``a``, then by that of ``b``.
    """
    order = np.argsort(b, kind="stable")
    first = np.searchsorted(b, a, "left", sorter=order)
    last = np.searchsorted(b, a, "right", sorter=order)
    counts = last - first
    rows = np.repeat(np.arange(len(a)), counts)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows, order[first[rows] + within]
