"""Frames of videos: which there are, and their pixels, from any place in any order."""

import os
import random
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpn_cli.base.errors import InputError
from mpn_cli.engine.job import LONGEST_RUN, Job
from mpn_cli.options.annotate import AnnotateOptions
from mpn_cli.options.layers import resolve
from mpn_cli.options.recipes import make_recipe
from mpn_cli.sources.frames import FrameReader
from mpn_cli.sources.gather import gather
from mpn_cli.sources.reading import UnreadableError
from mpn_cli.sources.tasks import Frame, FrameTask, Task
from mpn_cli.sources.videos import FrameChoice, choice_of_frames, list_frames
from tests.conftest import make_picture
from tests.videos import moving_pictures, write_sound, write_video

RECIPE = make_recipe(resolve(AnnotateOptions, {}), labelled=False)

KINDS = {
    "a.mp4": ("libx264", {"x264-params": "open-gop=1:bframes=3"}),
    "b.mkv": ("libx264", {"x264-params": "open-gop=1:bframes=3"}),
    "c.webm": ("libvpx", {"auto-alt-ref": "1", "lag-in-frames": "16"}),
    "d.webm": ("libvpx-vp9", {}),
    "e.avi": ("mpeg4", {"bf": "2", "qmax": "2"}),
    "f.avi": ("libx264", {"x264-params": "bframes=3"}),
    "g.mov": ("mpeg4", {"qmax": "2"}),
}


def frames_of(video: Path) -> list[FrameTask]:
    return [task for task in gather([str(video)]).tasks if isinstance(task, FrameTask)]


@pytest.mark.parametrize("name", KINDS)
def test_each_frame_from_anywhere(tmp_path: Path, name: str) -> None:
    codec, options = KINDS[name]
    video = write_video(tmp_path / name, moving_pictures(40), codec, {"g": "12", **options})
    tasks = frames_of(video)
    assert [task.frame.number for task in tasks] == list(range(40))
    assert [task.file_name for task in tasks][9:11] == [
        f"{name}/frame_000009.jpg", f"{name}/frame_000010.jpg",
    ]  # fmt: skip
    times = [task.frame.seconds - tasks[0].frame.seconds for task in tasks]
    assert times == pytest.approx([n / 25 for n in range(40)], abs=1e-3)
    assert len({task.frame.start for task in tasks}) >= 4
    with FrameReader() as reader:
        in_order = [reader.read(task).pixels for task in tasks]
    # What the pictures were made with: their grey says which they are.
    greys = [float(np.median(pixels)) for pixels in in_order]
    assert greys == pytest.approx([20 + 5 * n for n in range(40)], abs=2.4)
    random.Random(name).shuffle(tasks)
    with FrameReader(threads=2) as reader:
        for task in tasks:
            assert np.array_equal(reader.read(task).pixels, in_order[task.frame.number])


@pytest.mark.parametrize(("turn", "corner"), [(0, (0, 0)), (90, (1, 0)), (180, (1, 1)),
                                              (-90, (0, 1))])  # fmt: skip
def test_a_video_is_turned_as_it_says(tmp_path: Path, turn: int, corner: tuple[int, int]) -> None:
    video = write_video(tmp_path / "clip.mp4", moving_pictures(3), rotation=turn)
    with FrameReader() as reader:
        picture = reader.read(frames_of(video)[0])
    assert (picture.width, picture.height) == ((48, 64) if turn in (90, -90) else (64, 48))
    down, right = corner
    row, column = -5 if down else 4, -5 if right else 4
    red = picture.pixels[row, column].astype(int)
    assert red[0] - red[1] > 150
    middle = picture.pixels[picture.height // 2, picture.width // 2].astype(int)
    assert abs(middle - 20).max() < 8


def test_a_frame_rate_that_varies(tmp_path: Path) -> None:
    ticks = [0, 1, 2, 10, 11, 40, 41, 42, 43, 50]
    video = write_video(tmp_path / "clip.mp4", moving_pictures(10), ticks=ticks)
    listed = list_frames(str(video)).frames
    assert [frame.seconds for frame in listed] == [tick / 25 for tick in ticks]
    # Of two seconds twice a frame each, where there are any.
    two = gather([str(video)], frames=choice_of_frames(None, 2, "0", None)).tasks
    assert [task.file_name[-6:-4] for task in two] == ["00", "05", "09"]
    part = gather([str(video)], frames=choice_of_frames(2, None, "0.08", "0:01.68")).tasks
    assert [task.file_name[-6:-4] for task in part] == ["02", "04", "06"]
    for wrong in [(2, 2.0, "0", None), (None, None, "x", None), (None, None, "5", "2")]:
        with pytest.raises(InputError):
            choice_of_frames(*wrong)


@given(
    st.sampled_from([12.5, 24.0, 25.0, 29.97, 30.0, 60.0]),
    st.floats(0.2, 70),
    st.floats(0, 3),
    st.booleans(),
)
def test_frames_per_second(rate: float, fps: float, start: float, rounded: bool) -> None:
    times = [round(n / rate, 3 if rounded else 9) for n in range(200)]
    chosen = FrameChoice(fps=fps, start=start).of(times)
    within = [n for n, time in enumerate(times) if time >= start]
    assert chosen[0] == within[0]
    assert len(set(chosen)) == len(chosen)
    gaps = np.diff([times[n] for n in chosen])
    if fps >= rate:
        assert chosen == within
    elif len(gaps):
        assert abs(gaps - 1 / fps).max() <= 1 / rate + 0.002
        assert gaps.mean() == pytest.approx(1 / fps, abs=1.1 / rate / len(gaps) + 0.002)


def test_a_tail_that_is_cut_off(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 48, 64, 3), np.uint8)
    for name, flags in (("a.mp4", "faststart"), ("b.mkv", ""), ("c.avi", ""), ("d.mp4", "")):
        codec = "mpeg4" if name == "c.avi" else "libx264"
        options = {"g": "10", "bf": "0"} | ({"movflags": flags} if flags else {})
        video = write_video(tmp_path / name, noise, codec, options)
        whole = frames_of(video)
        with FrameReader() as reader:
            last = reader.read(whole[19]).pixels
        os.truncate(video, video.stat().st_size // 2)
        if name == "d.mp4":  # the list of its frames stood at the end
            with pytest.raises(InputError, match="ends early, before the list of its frames"):
                gather([str(video)])
            continue
        gathered = gather([str(video)])
        assert [one.reason for one in gathered.skipped] == ["truncated"], name
        assert "the file ends early" in gathered.skipped[0].detail
        assert 20 <= len(gathered.tasks) < 45
        with FrameReader() as reader:
            for task in gathered.tasks:
                assert isinstance(task, FrameTask)
                pixels = reader.read(task).pixels
                if task.frame.number == 19:
                    assert np.array_equal(pixels, last)


def test_damage_in_the_middle_costs_its_own_frames(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 48, 64, 3), np.uint8)
    options = {"g": "10", "bf": "0", "movflags": "faststart"}
    video = write_video(tmp_path / "clip.mp4", noise, options=options)
    tasks = frames_of(video)
    with FrameReader() as reader:
        whole = [reader.read(task).pixels for task in tasks]
    content = bytearray(video.read_bytes())
    middle = len(content) * 5 // 8
    content[middle : middle + 3000] = bytes(3000)
    video.write_bytes(content)
    with FrameReader() as reader:
        for task in tasks[:20] + tasks[30:]:
            assert np.array_equal(reader.read(task).pixels, whole[task.frame.number])


def test_what_is_no_video_is_said_in_one_line(tmp_path: Path) -> None:
    write_sound(tmp_path / "sound.mp4")
    (tmp_path / "nothing.mkv").touch()
    (tmp_path / "text.mov").write_text("hello\n" * 100)
    make_picture(tmp_path / "photo.png").rename(tmp_path / "photo.mp4")
    write_video(tmp_path / "frameless.mkv", [])
    make_picture(tmp_path / "a.png")
    gathered = gather([str(tmp_path)])
    assert [task.file_name for task in gathered.tasks] == ["a.png"]
    said = {os.path.basename(one.path): (one.reason, one.detail) for one in gathered.skipped}
    assert said == {
        "sound.mp4": ("no video", "it has no video stream, only sound or text"),
        "nothing.mkv": ("empty", "0 bytes"),
        "frameless.mkv": ("empty", "a video without any frame"),
        "text.mov": ("no video", "its content is no video of a known kind"),
        "photo.mp4": ("no video", "a PNG picture that is named as a video"),
    }
    with pytest.raises(InputError, match=r"none of the 1 videos can be used \(first: .*sound or"):
        gather([str(tmp_path / "sound.mp4")])
    clip = write_video(tmp_path / "clip.mp4", moving_pictures(3))
    with pytest.raises(InputError, match=r"no frame in the range; its last is at 0\.08 s"):
        gather([str(clip)], frames=choice_of_frames(None, None, "9", None))
    missing = FrameTask(1, "/none.mp4", "f", frame=Frame(0, 0, 0.0, 0, 0), video="none.mp4")
    with FrameReader() as reader, pytest.raises(UnreadableError, match="No such file"):
        reader.read(missing)


@given(
    st.lists(st.tuples(st.integers(1, 700), st.integers(1, 120)), min_size=1, max_size=4),
    st.integers(0, 9),
    st.integers(1, 300),
)
def test_shards_begin_at_key_frames(
    videos: list[tuple[int, int]], pictures: int, size: int
) -> None:
    tasks: list[Task] = [Task(n, f"{n}.jpg", f"{n}.jpg") for n in range(pictures)]
    for number, (frames, step) in enumerate(videos):
        for n in range(frames):
            start = n // step * step
            frame = Frame(n, n * 512, n / 25, start * 512, start)
            name = f"{number}.mp4"
            tasks.append(FrameTask(len(tasks), name, name, frame=frame, video=name))
    job = Job(tasks, RECIPE, size)
    shards = [job.shard(number) for number in range(job.shards)]
    assert [task for shard in shards for task in shard] == tasks
    most = max(size, LONGEST_RUN)
    before: list[Task] = []
    for shard in shards:
        assert len({task.path if isinstance(task, FrameTask) else "" for task in shard}) == 1
        run = [task.frame for task in shard if isinstance(task, FrameTask)]
        assert len(run) <= most
        if not run:
            assert len(shard) <= size
            continue
        # What begins elsewhere than at a key frame goes on where a longest shard ended.
        assert run[0].number == run[0].start_number or len(before) == most
        # With enough frames in it, a shard ends at the next key frame.
        assert all(frame.number != frame.start_number for frame in run[size:])
        before = list(shard)


def test_a_video_at_an_address(tmp_path: Path) -> None:
    import fsspec

    video = write_video(tmp_path / "clip.mkv", moving_pictures(30), options={"g": "10"})
    with fsspec.open("memory://films/in/clip.mkv", "wb") as there:
        there.write(video.read_bytes())
    make_picture(tmp_path / "b.png")
    with fsspec.open("memory://films/b.png", "wb") as there:
        there.write((tmp_path / "b.png").read_bytes())
    tasks = gather(["memory://films"]).tasks
    assert [task.file_name for task in tasks[:2]] == ["b.png", "in/clip.mkv/frame_000000.jpg"]
    with FrameReader() as here, FrameReader() as far:
        for ours, theirs in zip(frames_of(video), tasks[1:], strict=True):
            assert isinstance(theirs, FrameTask)
            assert np.array_equal(here.read(ours).pixels, far.read(theirs).pixels)
            assert cv2.countNonZero(here.read(ours).pixels[..., 0])
