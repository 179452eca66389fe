"""From the command line's words to tasks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

from mpn_cli.base.errors import InputError
from mpn_cli.base.text import is_utf8
from mpn_cli.sources.coco_files import gather_coco
from mpn_cli.sources.remote import is_remote
from mpn_cli.sources.tasks import Gathered, Skipped, Task
from mpn_cli.sources.walk import find_pictures, number_pictures, relative_names


def gather(
    sources: Sequence[str],
    images: str | None = None,
    image_info: str | None = None,
    boxes: str | None = None,
    person_category: str | None = None,
    out: str | None = None,
) -> Gathered:
    """All tasks of some sources, by ascending image id. Raises InputError.

    ``images``, ``image_info`` and ``person_category`` are those of ``gather_coco``; ``out`` is the
    results folder, which is left out of source folders that hold it.

    ``boxes`` gives the pictures of one folder their boxes: the same as naming that file as source
    with the folder as ``images``.
    """
    if boxes is not None:
        if len(sources) != 1 or not os.path.isdir(sources[0]):
            raise InputError("--boxes goes with one picture folder")
        return _existing(gather_coco(boxes, sources[0], image_info, person_category, out))
    json_files = [s for s in sources if s.lower().endswith(".json") and os.path.isfile(s)]
    if not json_files:
        if any(one is not None for one in (images, image_info, person_category)):
            raise InputError(
                "--images, --image-info and --person-category go with a COCO file as source"
            )
        return _gather_pictures(sources, out)
    if len(sources) > 1:
        raise InputError("a COCO file is a source of its own: annotate one at a time")
    return _existing(gather_coco(json_files[0], images, image_info, person_category, out))


def _gather_pictures(sources: Sequence[str], out: str | None) -> Gathered:
    everything = find_pictures(sources, out)
    found = everything.pictures
    names = relative_names(found)
    # Ids follow the relative names, so that a folder keeps them wherever it is moved.
    order = sorted(range(len(found)), key=lambda i: names[i])
    ids = number_pictures([names[i] for i in order])
    tasks = [
        Task(ids[n], found[i].path, names[i], stamp=found[i].stamp) for n, i in enumerate(order)
    ]
    tasks.sort(key=lambda task: task.image_id)
    return _existing(Gathered(tasks, everything.unreadable, other_files=everything.others))


def _existing(gathered: Gathered) -> Gathered:
    """Pictures that are not there are skipped; if none is there, that is an error."""
    existing, skipped = [], list(gathered.skipped)
    for task in gathered.tasks:
        why = _why_not(task)
        if why is None:
            existing.append(task)
        else:
            skipped.append(why)
    if not existing:
        first = skipped[len(gathered.skipped)]
        kinds = {one.reason for one in skipped[len(gathered.skipped) :]}
        problem = "is there" if kinds == {"missing"} else "can be used"
        why_first = "" if first.reason == "missing" else first.detail
        raise InputError(
            f"none of the {len(gathered.tasks)} pictures {problem}"
            f" (first: {first.path}{': ' if why_first else ''}{why_first})"
        )
    return Gathered(existing, skipped, Counter(gathered.left_out), gathered.other_files)


def _why_not(task: Task) -> Skipped | None:
    """Why a picture can't be one of the job's, as far as that can be said without reading it."""
    if not is_utf8(task.file_name):
        why = "its name is not UTF-8, and files in JSON have to be; rename it"
        return Skipped(task.path, "name", why)
    # An address was listed a moment ago, or its data set says that it is there.
    if is_remote(task.path):
        return None
    try:
        os.stat(task.path)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last: a NUL in its name
        return Skipped(task.path, "missing", "no such file")
    except OSError as error:
        return Skipped(task.path, "unreadable", error.strerror or str(error))
    return None
