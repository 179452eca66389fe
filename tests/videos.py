"""Small videos that tests make."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from numpy.typing import NDArray

Pictures = Iterable[NDArray[np.uint8]]


def write_video(
    file: Path,
    pictures: Pictures,
    codec: str = "libx264",
    options: Mapping[str, str] | None = None,
    *,
    ticks: Sequence[int] | None = None,
    rotation: int | None = None,
) -> Path:
    """Write RGB pictures as a video of 25 frames per second.

    ticks: the frames' times, in 25ths of a second, where the frame rate varies; rotation: degrees
    against the clock that players turn it; options: the encoder's, and movflags for the file.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    of_encoder = dict(options or {})
    flags = {name: of_encoder.pop(name) for name in ("movflags",) if name in of_encoder}
    with av.open(str(file), "w", options=flags) as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, VideoStream)
        stream.pix_fmt = "yuv420p"
        stream.options = {**of_encoder}
        for number, picture in enumerate(pictures):
            if number == 0:
                stream.height, stream.width = picture.shape[:2]
                if rotation is not None:
                    stream.set_display_rotation(rotation)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number if ticks is None else ticks[number]
            frame.time_base = Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.start_encoding()  # has happened, unless there is no picture
        container.mux(stream.encode(None))
    return file


def write_sound(file: Path) -> Path:
    """Write a file with a second of silence and no picture."""
    with av.open(str(file), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        assert isinstance(stream, AudioStream)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), "fltp", "mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file


def moving_pictures(count: int, width: int = 64, height: int = 48) -> Pictures:
    """Pictures that tell their number: grey of 5 levels per frame, red in the top left corner."""
    for number in range(count):
        picture = np.full((height, width, 3), 20 + 5 * (number % 40), np.uint8)
        picture[: height // 4, : width // 4] = (255, 0, 0)
        yield picture


def panning(picture: NDArray[np.uint8], count: int, width: int, height: int) -> Pictures:
    """A camera that moves over a picture and comes nearer."""
    for number in range(count):
        share = number / max(1, count - 1)
        scale = max(width / picture.shape[1], height / picture.shape[0]) * (1.1 + 0.4 * share)
        room = scale * picture.shape[1] - width, scale * picture.shape[0] - height
        matrix = np.array([[scale, 0, -share * room[0]], [0, scale, -(1 - share) * room[1]]])
        yield np.asarray(cv2.warpAffine(picture, matrix, (width, height)), np.uint8)
