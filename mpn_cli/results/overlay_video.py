"""Overlays of videos: pieces that are encoded one by one, and the video that they make together."""

from __future__ import annotations

import io
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mpn_cli.base.arrays import Picture
from mpn_cli.base.files import unfinished_file
from mpn_cli.results.signed_video import sign_video
from mpn_cli.sources.kinds import OTHER_VIDEOS, VIDEOS

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

PIECE = ".nut"
"""How names of pieces end: FFmpeg's own container, which keeps times as they are."""

CLOCK = Fraction(1, 90_000)
"""Unit of the frames' times."""

ENCODERS = {
    # Without frames that refer to later ones, so that pieces can be put together as they are.
    "libx264": {"preset": "veryfast", "crf": "23", "bf": "0"},
    "mpeg4": {"qmin": "3", "qmax": "6", "bf": "0"},
}
"""Encoders with their options; the first that FFmpeg has is used."""


def overlay_video_name(video: str) -> str:
    """The overlay's path under ``overlays/``: always an MP4, unique like the video's own."""
    stem = video.lower().removesuffix(".mp4")
    unique = stem != video.lower() and not stem.endswith(VIDEOS + OTHER_VIDEOS)
    return video if unique else f"{video}.mp4"


def encoded_piece(frames: Iterable[tuple[float, Picture]], size: tuple[int, int]) -> bytes:
    """A piece of a video; frames come with their seconds and are scaled to (width, height).

    It is the same for the same frames; b"" if there are none.
    """
    import av
    from av.video.stream import VideoStream

    codec = next(name for name in ENCODERS if name in av.codecs_available)
    width, height = (side + side % 2 for side in size)
    piece, some = io.BytesIO(), False
    with av.open(piece, "w", format="nut") as container:
        stream = container.add_stream(codec, rate=30, options=ENCODERS[codec])
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = CLOCK
        stream.codec_context.thread_count = 1
        for seconds, picture in frames:
            frame = av.VideoFrame.from_ndarray(_fitted(picture, size), format="rgb24")
            frame.pts, frame.time_base = round(seconds / CLOCK), CLOCK
            container.mux(stream.encode(frame))
            some = True
        if some:
            container.mux(stream.encode(None))
    return piece.getvalue() if some else b""


def _fitted(picture: Picture, size: tuple[int, int]) -> Picture:
    """A picture of a size, with both sides made even as encoders need it."""
    if picture.shape[1::-1] != size:
        picture = np.asarray(cv2.resize(picture, size), np.uint8)
    right, below = size[0] % 2, size[1] % 2
    if right or below:
        border = cv2.copyMakeBorder(picture, 0, below, 0, right, cv2.BORDER_REPLICATE)
        picture = np.asarray(border, np.uint8)
    return picture


def join_pieces(pieces: Iterable[Path], file: Path) -> None:
    """Put pieces together to an MP4 file, without encoding them again, and sign it.

    A frame that was drawn for two pieces is there once. Raises OSError.
    """
    import av

    with unfinished_file(file) as unfinished:
        options = {"movflags": "faststart"}
        with av.open(str(unfinished), "w", format="mp4", options=options) as container:
            joined = _Joined(container)
            for piece in pieces:
                joined.append(piece)
        sign_video(unfinished)


class _Joined:
    """A video that is being put together; it begins with its first frame."""

    def __init__(self, container: OutputContainer) -> None:
        self._container = container
        self._stream: VideoStream | None = None
        self._first: int | None = None
        self._last = -1

    def append(self, piece: Path) -> None:
        """Add a piece's frames that are later than those before."""
        import av

        with av.open(str(piece), "r") as opened:
            source = opened.streams.video[0]
            if self._stream is None:
                self._stream = self._container.add_stream_from_template(source)
            for packet in opened.demux(source):
                if packet.pts is None or packet.pts <= self._last:
                    continue
                self._last = packet.pts
                self._first = packet.pts if self._first is None else self._first
                packet.pts = packet.dts = packet.pts - self._first
                packet.stream = self._stream
                self._container.mux(packet)
