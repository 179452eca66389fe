"""The frames of a video, listed without decoding any, and the choice among them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from mpn_cli.base.errors import InputError
from mpn_cli.sources.containers import format_of
from mpn_cli.sources.reading import MAX_PIXELS, MAX_SIDE, UnreadableError
from mpn_cli.sources.remote import is_remote, open_remote
from mpn_cli.sources.tasks import Frame
from mpn_cli.sources.video_ends import video_ends_early

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer
    from av.video.stream import VideoStream

ROUNDING = 0.001
"""Seconds by which a frame's time may be off: Matroska rounds times to milliseconds."""


@dataclass(frozen=True, slots=True)
class FrameChoice:
    """Which frames of each video are annotated."""

    every: int | None = None
    """Each so many frames one, from the first that is in the range."""
    fps: float | None = None
    """At most so many frames per second, as evenly as the video has them."""
    start: float = 0.0
    end: float | None = None
    """The range, in seconds from the start of the video; without the end itself."""

    def of(self, seconds: Sequence[float]) -> list[int]:
        """The numbers of the chosen frames of a video whose frames are shown at these times."""
        end = float("inf") if self.end is None else self.end
        within = [n for n, time in enumerate(seconds) if self.start <= time < end]
        if self.every is not None:
            return within[:: self.every]
        if self.fps is None:
            return within
        chosen, due = [], 0
        for number in within:
            steps = (seconds[number] - seconds[within[0]]) * self.fps
            if steps + ROUNDING * self.fps >= due:
                chosen.append(number)
                due = max(due, int(steps)) + 1
        return chosen


def choice_of_frames(
    every: int | None, fps: float | None, start: str, end: str | None
) -> FrameChoice:
    """A choice as it is said on the command line. Raises InputError."""
    if every is not None and fps is not None:
        raise InputError("--every and --fps both choose frames; give one of them")
    first = _seconds("--from", start)
    last = None if end is None else _seconds("--to", end)
    if last is not None and last <= first:
        raise InputError(f"--from {start} --to {end}: no time between them")
    return FrameChoice(every, fps, first, last)


def _seconds(option: str, text: str) -> float:
    """Seconds written as 90, 12.5, 1:30 or 1:02:03.5."""
    found = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?)", text)
    if found is None:
        raise InputError(f"{option} {text}: not a time; write seconds, as 90 or 12.5, or 1:30")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds


@dataclass(frozen=True, slots=True)
class ListedVideo:
    """What a video holds."""

    frames: list[Frame]
    """In the order in which they are shown."""
    problem: str = ""
    """Why frames that should be there are not; "" if none is missing."""


def list_frames(path: str) -> ListedVideo:
    """All frames of a video, from its packets. Raises UnreadableError."""
    with opened_video(path) as (container, stream):
        origin = (container.start_time or 0) / 1_000_000
        units = float(stream.time_base or 1)
        promised = stream.frames
        stamps = sorted(
            (_shown_at(packet), seek_stamp(container, packet), packet.is_keyframe)
            for packet in _packets(container, stream)  # none is kept: together they are the file
            if not _is_hidden(packet)
        )
    frames: list[Frame] = []
    start, start_number, before = 0, -1, None
    for stamp, seek_to, is_key in stamps:
        if stamp == before:
            continue
        before = stamp
        if is_key or start_number < 0:
            start, start_number = seek_to, len(frames)
        seconds = max(0.0, round(stamp * units - origin, 6))
        frames.append(Frame(len(frames), stamp, seconds, start, start_number))
    with opened_file(path) as file:
        cut = video_ends_early(file)
    if cut and not frames:
        raise UnreadableError("truncated", "the file ends early, before its first frame")
    if not frames:
        raise UnreadableError("empty", "a video without any frame")
    of = f" of {promised}" if promised > len(frames) else ""
    why = f"the file ends early; the {len(frames)}{of} frames before that are used" if cut else ""
    return ListedVideo(frames, why)


@contextmanager
def opened_video(path: str) -> Iterator[tuple[InputContainer, VideoStream]]:
    """A video's container and its picture stream. Raises UnreadableError."""
    import av

    with opened_file(path) as file:
        kind = format_of(file.read(1024))
        if kind not in ("video", ""):  # FFmpeg would take it for a video of one frame
            raise UnreadableError("no video", f"a {kind} picture that is named as a video")
        file.seek(0)
        try:
            container = av.open(file if is_remote(path) else path, "r")
        except (av.FFmpegError, ValueError) as error:
            raise _why_not(file, kind, error) from None
        with container:
            streams = [
                one
                for one in container.streams.video
                if not one.disposition & av.stream.Disposition.attached_pic
            ]
            if not streams:
                raise UnreadableError("no video", "it has no video stream, only sound or text")
            best = container.streams.best("video")
            stream = next((one for one in streams if best is one), streams[0])
            width, height = stream.codec_context.width, stream.codec_context.height
            if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
                raise UnreadableError("too large", f"frames of {width}x{height} pixels")
            if stream.codec_context.codec is None:
                raise UnreadableError("no video", "its pictures are coded in an unknown way")
            yield container, stream


@contextmanager
def opened_file(path: str) -> Iterator[BinaryIO]:
    """A local file or an address, open for reading. Raises UnreadableError."""
    try:
        file = open_remote(path) if is_remote(path) else open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise UnreadableError("unreadable", error.strerror or str(error)) from None
    with file:
        yield file


def _why_not(file: BinaryIO, kind: str, error: Exception) -> UnreadableError:
    """Why a file of a kind can't be opened as a video."""
    if not file.seek(0, os.SEEK_END):
        return UnreadableError("empty", "0 bytes")
    if video_ends_early(file):
        return UnreadableError("truncated", "the file ends early, before the list of its frames")
    if isinstance(error, EOFError):
        return UnreadableError("empty", "a video without any frame")
    if kind:
        return UnreadableError("damaged", f"a video that can't be opened: {_first_line(error)}")
    return UnreadableError("no video", "its content is no video of a known kind")


def _first_line(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).splitlines()[0]


def is_counted(container: InputContainer, stream: VideoStream) -> bool:
    """Whether frames can only be told apart by counting from a key frame.

    AVI knows no times of presentation, and H.264's frames come out with those of other packets.
    """
    return container.format.name == "avi" and stream.codec_context.name in ("h264", "hevc")


def seek_stamp(container: InputContainer, packet: Packet[VideoStream]) -> int:
    """The time by which a container finds a packet: Matroska's is that of presentation."""
    if packet.dts is None or container.format.name.startswith("matroska"):
        return _shown_at(packet)
    return packet.dts


def _shown_at(packet: Packet[VideoStream]) -> int:
    stamp = packet.dts if packet.pts is None else packet.pts
    assert stamp is not None
    return stamp


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """The packets from which frames to be shown can be decoded."""
    import av

    try:
        for packet in container.demux(stream):
            if (packet.pts, packet.dts) == (None, None) or packet.is_corrupt or packet.is_discard:
                continue
            yield packet
    except av.FFmpegError:
        return  # what comes before a broken tail is there


def _is_hidden(packet: Packet[VideoStream]) -> bool:
    """Whether it is a picture of VP8's that others refer to, and that is never shown."""
    return packet.stream.codec_context.name == "vp8" and not bytes(packet)[0] & 0x10
