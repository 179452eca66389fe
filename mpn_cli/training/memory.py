"""Keeps memory that training frees and asks for again at once, step after step.

glibc returns large blocks to the system as soon as they are freed, and the next step pays for each
page anew: at 256x192 and batch 16 that was nearly half of a step's time.
"""

from __future__ import annotations

import ctypes
import os
import platform

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
"""mallopt(3)'s parameters, from glibc's malloc.h."""

_PAD = 2**29
"""Bytes asked for at once when the heap has to grow."""


def keep_memory() -> None:
    """Have freed blocks kept, in huge pages where the system has them; glibc only.

    To be called before torch allocates its first large tensor.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # read by torch
    c_library = ctypes.CDLL(None)
    for parameter, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, _PAD)):
        c_library.mallopt(parameter, value)
