"""A video against the same frames as JPEG files: CPU seconds of the whole command, and memory.

Makes a clip by panning over the example pictures, writes its frames as JPEGs as well, and runs
``mpn annotate`` over both in turns. The ratio says how fast the video is beside the pictures: 1 is
the same, more is faster. CPU time counts, of all processes, since machines do other things too.

``--memory`` measures in its place what the largest process needs for the clip and for one ten times
as long, of which every frame is decoded and one per second annotated.

    python benchmarks/bench_video.py [--seconds 60] [--repeat 3] [--memory] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.stream import VideoStream

from mpn_cli.base.arrays import Picture
from mpn_cli.cli.console import make_table, stdout
from mpn_cli.sources.frames import FrameReader
from mpn_cli.sources.gather import gather
from mpn_cli.sources.tasks import FrameTask

ROOT = Path(__file__).parents[1]
FPS = 30
SIZE = (1280, 720)
JPEGS, VIDEO, LONG = "frames as JPEG files", "the video", "a video ten times as long"
PAN_SECONDS = 2
"""How long the camera moves over one picture."""


@dataclass(frozen=True)
class Spent:
    """What a run took."""

    seconds: float
    cpu_seconds: float
    """Of all processes."""
    peak_mb: float
    """Of the process that needed most."""


def panned(seconds: int) -> Iterator[Picture]:
    """Frames of a camera that moves over one example picture after the other."""
    stills = [
        np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
        for file in sorted((ROOT / "examples").glob("*.jpg"))
        if (picture := cv2.imread(str(file))) is not None
    ]
    for number in range(seconds * FPS):
        still = stills[number // (PAN_SECONDS * FPS) % len(stills)]
        share = number % (PAN_SECONDS * FPS) / (PAN_SECONDS * FPS)
        scale = max(SIZE[0] / still.shape[1], SIZE[1] / still.shape[0]) * (1.1 + 0.3 * share)
        room = scale * still.shape[1] - SIZE[0], scale * still.shape[0] - SIZE[1]
        matrix = np.array([[scale, 0, -share * room[0]], [0, scale, -(1 - share) * room[1]]])
        yield np.asarray(cv2.warpAffine(still, matrix, SIZE), np.uint8)


def make_clip(file: Path, seconds: int) -> None:
    """Write the clip as H.264 in MP4, as a telephone or ``ffmpeg`` does by default."""
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for number, picture in enumerate(panned(seconds)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def repeat_clip(clip: Path, file: Path, times: int) -> None:
    """The clip several times in a row, without encoding it again."""
    with av.open(str(file), "w") as container:
        stream: VideoStream | None = None
        shift = 0
        for _ in range(times):
            with av.open(str(clip), "r") as opened:
                source = opened.streams.video[0]
                stream = stream or container.add_stream_from_template(source)
                for packet in opened.demux(source):
                    if packet.pts is not None and packet.dts is not None:
                        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                        packet.stream = stream
                        container.mux(packet)
                shift += source.duration or 0


def write_frames(clip: Path, folder: Path) -> None:
    """The clip's frames as JPEGs of OpenCV's usual quality."""
    folder.mkdir()
    with FrameReader() as reader:
        for number, task in enumerate(gather([str(clip)]).tasks):
            assert isinstance(task, FrameTask)
            pixels = cv2.cvtColor(reader.read(task).pixels, cv2.COLOR_RGB2BGR)
            cv2.imwrite(str(folder / f"frame_{number:06d}.jpg"), pixels)


def annotate(source: Path, *options: str) -> Spent:
    """Run the command over a source."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "mpn_cli.cli.app", "annotate", str(source), "-o", out]
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        running = subprocess.Popen([*command, "--quiet", *options], cwd=ROOT)
        peak = _Peak(running.pid)
        if running.wait():
            sys.exit(f"{' '.join(command)} failed")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Spent(time.monotonic() - started, cpu, peak.megabytes)


class _Peak(threading.Thread):
    """Looks how much memory a process and its children need, until it ends."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self.megabytes = 0.0
        self.start()

    def run(self) -> None:
        while os.path.isdir(f"/proc/{self._pid}"):
            for pid in (self._pid, *_children(self._pid)):
                self.megabytes = max(self.megabytes, _resident(pid))
            time.sleep(0.2)


def _children(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            child = int(status.parent.name)
            found += [child, *_children(child)]
    return found


def _resident(pid: int) -> float:
    """MB that a process holds in memory now; 0 if it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6
    except (OSError, IndexError):
        return 0.0


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=int, default=60, help="length of the clip")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="of a clip ten times as long")
    parser.add_argument("--options", default="", help="of mpn annotate, for all runs")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    options = arguments.options.split()
    with tempfile.TemporaryDirectory() as scratch:
        clip, other = Path(scratch, "clip.mp4"), Path(scratch, "other")
        make_clip(clip, arguments.seconds)
        if arguments.memory:
            other = other.with_suffix(".mp4")
            repeat_clip(clip, other, 10)
            options += ["--fps", "1"]
        else:
            write_frames(clip, other)
        runs: dict[str, list[Spent]] = {LONG if arguments.memory else JPEGS: [], VIDEO: []}
        for _ in range(arguments.repeat):
            for (name, spent), source in zip(runs.items(), (other, clip), strict=True):
                spent.append(annotate(source, *options))
                print(name, spent[-1], file=sys.stderr)
    count = arguments.seconds * FPS
    table = make_table(
        f"{count} frames of {SIZE[0]}x{SIZE[1]}", ("", "CPU s", "wall s", "peak MB"), numbers_from=2
    )
    medians = {}
    for name, spent in runs.items():
        medians[name] = statistics.median(one.cpu_seconds for one in spent)
        wall = statistics.median(one.seconds for one in spent)
        peak = max(one.peak_mb for one in spent)
        table.add_row(name, f"{medians[name]:.1f}", f"{wall:.1f}", f"{peak:.0f}")
    stdout.print(table)
    content: dict[str, object] = {
        name: [asdict(one) for one in spent] for name, spent in runs.items()
    }
    if not arguments.memory:
        content["ratio"] = medians[JPEGS] / medians[VIDEO]
        print(f"speed of the video: {content['ratio']:.2f} of that of the pictures")
    if arguments.json:
        arguments.json.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
