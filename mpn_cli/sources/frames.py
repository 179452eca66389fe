"""The pixels of a video's frames, decoded in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from mpn_cli.base.arrays import Picture
from mpn_cli.sources.reading import Decoded, UnreadableError
from mpn_cli.sources.tasks import Frame, FrameTask
from mpn_cli.sources.videos import is_counted, opened_video, seek_stamp

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

SHORT_WAY = 16
"""Frames that are sooner decoded than jumped over."""


class FrameReader:
    """Reads frames of videos, one after the other; a context manager.

    Frames of one video are best asked for in ascending order: then each is decoded once, and no
    more than one is held. threads: how many the decoder may use.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._open = ExitStack()
        self._path = ""
        self._video: _OpenVideo | None = None

    def __enter__(self) -> FrameReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the video that is open."""
        self._close()

    def read(self, task: FrameTask) -> Decoded:
        """A frame's pixels, turned as the video says. Raises UnreadableError."""
        if self._video is None or self._path != task.path:
            self._close()
            container, stream = self._open.enter_context(opened_video(task.path))
            self._video, self._path = _OpenVideo(container, stream, self._threads), task.path
        return Decoded.whole(self._video.read(task.frame))

    def _close(self) -> None:
        if self._video is not None:
            self._video.forget()
        self._open.close()
        self._video, self._path = None, ""

    def size_of(self, task: FrameTask) -> tuple[int, int]:
        """(width, height) of a task's video, which a few of its frames may not have."""
        frame = self.read(task)
        assert self._video is not None
        width, height = self._video.size
        on_its_side = (frame.height, frame.width) == (width, height)
        return (height, width) if on_its_side else (width, height)


class _OpenVideo:
    """One open video and how far it is decoded."""

    def __init__(self, container: InputContainer, stream: VideoStream, threads: int) -> None:
        from av.video.reformatter import VideoReformatter

        self._container = container
        self._stream = stream
        self.size = stream.codec_context.width, stream.codec_context.height
        self._counted = is_counted(container, stream)
        stream.codec_context.thread_count = threads
        stream.thread_type = "AUTO" if threads > 1 else "NONE"
        self._frames: Iterator[tuple[int, VideoFrame]] = iter(())
        self._current: tuple[int, VideoFrame] | None = None
        self._last = -1
        self._reformatter: VideoReformatter = VideoReformatter()
        # Of the first frame, for all: whose side data were asked for is freed late, since PyAV's
        # frames and their side data hold each other.
        self._orientation: Orientation | None = None

    def read(self, frame: Frame) -> Picture:
        """(H, W, 3) uint8 RGB. Raises UnreadableError."""
        import av

        try:
            found = self._find(frame)
        except (av.FFmpegError, OSError) as error:
            raise UnreadableError("damaged", str(error)) from None
        if found is None or found.is_corrupt:
            raise UnreadableError("damaged", "the coded data of this frame can't be decoded")
        pixels = self._reformatter.reformat(found, format="rgb24").to_ndarray()
        if self._orientation is None:
            self._orientation = orientation(found)
        return turned(np.asarray(pixels, np.uint8), self._orientation)

    def forget(self) -> None:
        """Let go of what is decoded at once: the frames' iterator holds this object, too."""
        self._frames, self._current = iter(()), None

    def _find(self, wanted: Frame) -> VideoFrame | None:
        """Decode up to a frame; None where it does not come out."""
        onwards = 0 <= self._last < wanted.number
        if not onwards or wanted.start_number - self._last > SHORT_WAY:
            self._frames = self._decoded_from(wanted)
            self._current = next(self._frames, None)
        self._last = wanted.number
        place = wanted.number if self._counted else wanted.stamp
        while self._current is not None and self._current[0] < place:
            self._current = next(self._frames, None)
        if self._current is None or self._current[0] != place:
            return None
        return self._current[1]

    def _decoded_from(self, wanted: Frame) -> Iterator[tuple[int, VideoFrame]]:
        """Frames from the key frame before ``wanted`` on, each with its place."""
        import av

        number = wanted.start_number
        for packet in self._packets_from(wanted.start):
            if packet.is_corrupt:
                continue
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue  # the frames that it would have given are found missing
            for frame in frames:
                if self._counted:
                    yield number, frame
                elif frame.pts is not None:
                    yield frame.pts, frame
                number += 1

    def _packets_from(self, start: int) -> Iterator[Packet[VideoStream]]:
        """Packets from that of a key frame on; where an index is wrong, it is looked for."""
        for place in (start, self._stream.start_time or 0):
            self._container.seek(place, stream=self._stream)
            packets = self._container.demux(self._stream)
            for packet in packets:
                if packet.size == 0:
                    break
                stamp = seek_stamp(self._container, packet)
                if stamp == start:
                    yield packet
                    yield from packets
                    return
                if stamp > start:
                    break


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a frame is shown, to whole quarters of a turn."""

    on_its_side: bool = False
    """Whether rows are shown as columns."""
    right: bool = True
    """Whether what is shown from left to right is stored in that order."""
    down: bool = True
    """Whether what is shown from the top down is stored in that order."""


def orientation(frame: VideoFrame) -> Orientation:
    """How a frame wants to be shown."""
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return Orientation()
    # A point (x, y) is shown at (a x + c y, b x + d y).
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
    if abs(b) > abs(a):
        return Orientation(True, c > 0, b > 0)
    return Orientation(False, a > 0, d > 0)


def turned(pixels: Picture, shown: Orientation) -> Picture:
    """A frame's pixels (H, W, 3) as they are shown."""
    if shown.on_its_side:
        pixels = pixels.transpose(1, 0, 2)
    return np.ascontiguousarray(pixels[:: 1 if shown.down else -1, :: 1 if shown.right else -1])
