"""From the command line's words to tasks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

from mpn_cli.base.errors import InputError
from mpn_cli.base.text import is_utf8
from mpn_cli.sources.coco_files import gather_coco
from mpn_cli.sources.kinds import is_video
from mpn_cli.sources.reading import UnreadableError, file_stamp
from mpn_cli.sources.remote import is_remote
from mpn_cli.sources.tasks import Frame, FrameTask, Gathered, Skipped, Task
from mpn_cli.sources.videos import FrameChoice, list_frames
from mpn_cli.sources.walk import FoundPicture, find_pictures, number_pictures, relative_names

ALL_FRAMES = FrameChoice()


def gather(
    sources: Sequence[str],
    images: str | None = None,
    image_info: str | None = None,
    boxes: str | None = None,
    person_category: str | None = None,
    out: str | None = None,
    frames: FrameChoice = ALL_FRAMES,
) -> Gathered:
    """All tasks of some sources, by ascending image id. Raises InputError.

    ``images``, ``image_info`` and ``person_category`` are those of ``gather_coco``; ``out`` is the
    results folder, which is left out of source folders that hold it; ``frames`` says which frames
    of videos are wanted.

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
        return _gather_pictures(sources, out, frames)
    if len(sources) > 1:
        raise InputError("a COCO file is a source of its own: annotate one at a time")
    return _existing(gather_coco(json_files[0], images, image_info, person_category, out))


def _gather_pictures(sources: Sequence[str], out: str | None, choice: FrameChoice) -> Gathered:
    everything = find_pictures(sources, out, videos=True)
    found, names = everything.pictures, relative_names(everything.pictures)
    skipped = list(everything.unreadable)
    entries: list[tuple[str, str, FoundPicture, Frame | None]] = []
    videos = 0
    # Ids follow the relative names, so that a folder keeps them wherever it is moved.
    for i in sorted(range(len(found)), key=lambda i: names[i]):
        if is_video(found[i].path):
            frames = _frames(found[i], names[i], choice, skipped)
            videos += bool(frames)
            entries += ((frame_name(names[i], one), names[i], found[i], one) for one in frames)
        else:
            entries.append((names[i], names[i], found[i], None))
    if not entries:
        first = skipped[len(everything.unreadable)]
        raise InputError(
            f"none of the {len(found)} videos can be used (first: {first.path}: {first.detail})"
        )
    tasks: list[Task] = []
    stamp: dict[str, tuple[int, int]] = {}
    ids = number_pictures([name for name, *_ in entries])
    for image_id, (name, file, one, frame) in zip(ids, entries, strict=True):
        if frame is None:
            tasks.append(Task(image_id, one.path, name, stamp=one.stamp))
            continue
        if file not in stamp:
            stamp = {file: one.stamp or file_stamp(one.path)}
        tasks.append(
            FrameTask(image_id, one.path, name, stamp=stamp[file], frame=frame, video=file)
        )
    tasks.sort(key=lambda task: task.image_id)
    return _existing(Gathered(tasks, skipped, other_files=everything.others, videos=videos))


def frame_name(video: str, frame: Frame) -> str:
    """The ``file_name`` of a frame, as ``clip.mp4/frame_000012.jpg``.

    CVAT finds the frame of a video by the number in such a name, and FiftyOne the picture where
    frames were extracted under these names.
    """
    return f"{video}/frame_{frame.number:06d}.jpg"


def _frames(
    video: FoundPicture, name: str, choice: FrameChoice, skipped: list[Skipped]
) -> list[Frame]:
    """The chosen frames of a video; what is wrong with it goes to ``skipped``."""
    why = _why_not(Task(0, video.path, name))
    if why is not None:
        skipped.append(why)
        return []
    try:
        listed = list_frames(video.path)
    except UnreadableError as error:
        skipped.append(Skipped(video.path, error.reason, error.detail))
        return []
    if listed.problem:
        skipped.append(Skipped(video.path, "truncated", listed.problem))
    chosen = choice.of([frame.seconds for frame in listed.frames])
    if not chosen:
        last = listed.frames[-1].seconds
        why = Skipped(video.path, "range", f"no frame in the range; its last is at {last:g} s")
        skipped.append(why)
    return [listed.frames[number] for number in chosen]


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
    return Gathered(
        existing, skipped, Counter(gathered.left_out), gathered.other_files, gathered.videos
    )


def _why_not(task: Task) -> Skipped | None:
    """Why a picture can't be one of the job's, as far as that can be said without reading it."""
    if not is_utf8(task.file_name):
        why = "its name is not UTF-8, and files in JSON have to be; rename it"
        return Skipped(task.path, "name", why)
    # An address was listed a moment ago, or its data set says that it is there; so was a video.
    if is_remote(task.path) or isinstance(task, FrameTask):
        return None
    try:
        os.stat(task.path)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last: a NUL in its name
        return Skipped(task.path, "missing", "no such file")
    except OSError as error:
        return Skipped(task.path, "unreadable", error.strerror or str(error))
    return None
