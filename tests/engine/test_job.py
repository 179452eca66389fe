"""What tells one job from another."""

import msgspec
import pytest

from mpn_cli.engine.job import Job
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.layers import resolve
from mpn_cli.options.recipes import make_recipe
from mpn_cli.sources.tasks import Box, Task

TASK = Task(1, "/x/a.jpg", "a.jpg", (Box(1, 2, 3, 4),), False, (500, 6), (30.0, 40.0))


def digest(task: Task) -> bytes:
    return Job(
        [task], make_recipe(resolve(AnnotateOptions, {}), labelled=False), 1
    ).inputs.tobytes()


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"image_id": 2}, True),
        ({"path": "/y/a.jpg"}, False),
        ({"file_name": "x/a.jpg"}, False),
        ({"boxes": (Box(1, 2, 3, 5),)}, False),
        ({"labelled": True}, False),
        ({"stamp": (500, 7)}, False),
        ({"size": (40.0, 30.0)}, False),  # says how the picture is turned
    ],
)
def test_inputs_are_all_of_a_task_but_its_id(change: dict[str, object], same: bool) -> None:
    assert (digest(msgspec.structs.replace(TASK, **change)) == digest(TASK)) == same
