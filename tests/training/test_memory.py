"""Freed memory stays with the process once training has asked for that."""

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import re, sys, torch
from mpn_cli.training.memory import keep_memory
if sys.argv[1] == "keep":
    keep_memory()
tensor = torch.ones(100, 2**18)
del tensor
print(int(re.search(r"VmRSS:\\s*(\\d+)", open("/proc/self/status").read())[1]) // 1024)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator is asked")
def test_freed_memory_stays() -> None:
    kept, given_back = (
        int(subprocess.run([sys.executable, "-c", SCRIPT, way], capture_output=True, check=True,
                           text=True).stdout)
        for way in ("keep", "usual")
    )  # fmt: skip
    assert kept - given_back > 80  # of the tensor's 100 MB
