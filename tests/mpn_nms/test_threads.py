"""The compiled backend in other processes: any number of threads, and beside each other."""

import os
import subprocess
import sys

import joblib
import numpy as np
import pytest
from mpn_nms.contract import NmsConfig
from mpn_nms.registry import find_backend, suppress

from mpn_cli.nms_bench.candidates import make_crowds

SCRIPT = """
import sys
from tests.mpn_nms.test_threads import answer
print(answer(sys.argv[1]))
"""


def answer(method: str) -> str:
    """Everything kept of some crowds, to the last bit."""
    batch = make_crowds(np.array([1, 40, 7, 0, 23, 90]), seed=4).batch
    kept = suppress(find_backend("numba"), batch, NmsConfig(method=method))
    return f"{kept.rows.tolist()} {[score.hex() for score in kept.scores.tolist()]}"


@pytest.mark.parametrize("method", ["hard", "matrix"])
def test_any_number_of_threads_gives_the_same(method: str) -> None:
    for threads in ("1", "2", "5"):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, method], capture_output=True, text=True, check=True,
            env={**os.environ, "NUMBA_NUM_THREADS": threads},
        )  # fmt: skip
        assert done.stdout.strip() == answer(method)


def test_worker_processes_and_threads_beside_each_other() -> None:
    expected = answer("soft")
    for prefer in ("processes", "threads"):
        found = joblib.Parallel(n_jobs=3, prefer=prefer)(
            joblib.delayed(answer)("soft") for _ in range(6)
        )
        assert set(found) == {expected}


def test_a_first_call_needs_no_torch() -> None:
    code = (
        "import sys; from mpn_nms.registry import find_backend; find_backend('numba');"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
