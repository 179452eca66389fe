import io
import os
import socket
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mpn_cli.sources.reading import UnreadableError, read_picture, read_reduced
from tests.conftest import make_picture


def gradient(height: int = 40, width: int = 60) -> np.ndarray:
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    picture[..., 0] = np.linspace(0, 255, width)
    picture[..., 2] = 200
    return picture


def test_colours_are_rgb(tmp_path: Path) -> None:
    Image.fromarray(gradient()).save(tmp_path / "a.png")
    assert np.array_equal(read_picture(str(tmp_path / "a.png")), gradient())


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it rotated by 90 degrees clockwise
    Image.fromarray(gradient()).save(tmp_path / "a.jpg", exif=exif, quality=98)
    found = read_picture(str(tmp_path / "a.jpg"))
    expected = np.rot90(gradient(), -1)
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).mean() < 4


def test_sixteen_bit_grey_cmyk_and_alpha(tmp_path: Path) -> None:
    deep = np.full((5, 6, 3), 51 * 257, dtype=np.uint16)
    (tmp_path / "deep.png").write_bytes(cv2.imencode(".png", deep)[1].tobytes())
    assert np.unique(read_picture(str(tmp_path / "deep.png"))).tolist() == [51]
    Image.fromarray(gradient()).convert("L").save(tmp_path / "grey.jpg")
    grey = read_picture(str(tmp_path / "grey.jpg"))
    assert grey.shape == (40, 60, 3)
    assert np.array_equal(grey[..., 0], grey[..., 2])
    Image.fromarray(gradient()).convert("CMYK").save(tmp_path / "cmyk.jpg", quality=98)
    cmyk = read_picture(str(tmp_path / "cmyk.jpg"))
    assert np.abs(cmyk.astype(int) - gradient()).mean() < 12
    Image.fromarray(gradient()).convert("RGBA").save(tmp_path / "alpha.png")
    assert np.array_equal(read_picture(str(tmp_path / "alpha.png")), gradient())


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_an_animation_gives_its_first_frame(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("white", "black")]
    file = tmp_path / f"moving{suffix}"
    frames[0].save(file, save_all=True, append_images=frames[1:], lossless=True)
    picture = read_picture(str(file))
    assert picture.shape == (10, 20, 3)
    assert picture.min() > 250


def test_one_pixel(tmp_path: Path) -> None:
    make_picture(tmp_path / "dot.png", 1, 1)
    assert read_picture(str(tmp_path / "dot.png")).shape == (1, 1, 3)


def png_header(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + header + struct.pack(">I", 0) + b"IDAT" + b"\x35\xaf\x06\x1e"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"this is no picture, whatever its name says\n" * 20, "no picture"),
        (png_header(30_000, 30_000), "too large"),
        (png_header(15_000, 15_000), "too large"),
        (png_header(60_000, 10), "too large"),
    ],
)
def test_unusable_content(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(content)
    with pytest.raises(UnreadableError) as caught:
        read_picture(str(file))
    assert caught.value.reason == reason


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tif"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_truncated_files_are_never_half_a_picture(
    tmp_path: Path, suffix: str, share: float
) -> None:
    file = make_picture(tmp_path / f"a{suffix}", 300, 400)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UnreadableError) as caught:
        read_picture(str(file))
    assert caught.value.reason in ("truncated", "damaged", "no picture")


def test_missing_and_forbidden(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="No such file"):
        read_picture(str(tmp_path / "none.jpg"))
    with pytest.raises(UnreadableError, match="directory"):
        read_picture(str(tmp_path))


def test_a_motion_photo_is_a_whole_picture(tmp_path: Path) -> None:
    """Behind the JPEG stands a video, in which FF DA comes where it likes."""
    file = make_picture(tmp_path / "a.jpg")
    alone, content = read_picture(str(file)), file.read_bytes()
    video = b"\x00\x00\x00\x18ftypmp42" + bytes(500) + b"\xff\xda" + bytes(500)
    file.write_bytes(content + video)
    assert np.array_equal(read_picture(str(file)), alone)
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableError) as caught:
        read_picture(str(file))
    assert caught.value.reason == "truncated"


@pytest.mark.parametrize("progressive", [False, True])
def test_a_thumbnail_is_not_the_pictures_end(tmp_path: Path, progressive: bool) -> None:
    small = io.BytesIO()
    Image.fromarray(gradient(8, 8)).save(small, "JPEG")
    block = b"Exif\x00\x00" + small.getvalue()
    segment = b"\xff\xe1" + (len(block) + 2).to_bytes(2) + block
    large = io.BytesIO()
    Image.fromarray(gradient(200, 300)).save(large, "JPEG", progressive=progressive)
    content = large.getvalue()[:2] + segment + large.getvalue()[2:]
    (tmp_path / "a.jpg").write_bytes(content)
    assert read_picture(str(tmp_path / "a.jpg")).shape == (200, 300, 3)
    (tmp_path / "a.jpg").write_bytes(content[:-200])
    with pytest.raises(UnreadableError) as caught:
        read_picture(str(tmp_path / "a.jpg"))
    assert caught.value.reason == "truncated"


def with_orientation(jpeg: bytes, kind: int, value: bytes, order: str = "II") -> bytes:
    """A JPEG with an EXIF block of one entry: the orientation, of a TIFF type (2 is text)."""
    little = order == "II"
    pack = "<" if little else ">"
    entry = struct.pack(f"{pack}HHI", 0x0112, kind, len(value) if kind == 2 else 1)
    tiff = order.encode() + struct.pack(f"{pack}HIH", 42, 8, 1) + entry + value.ljust(4, b"\0")
    block = b"Exif\x00\x00" + tiff + bytes(4)
    return jpeg[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2) + block + jpeg[2:]


@pytest.mark.parametrize(
    ("kind", "value", "order"),
    [
        (2, b"6\0", "II"),
        (2, b"right\0", "MM"),
        (3, b"\xff\xff", "II"),
        (3, b"\x00\x06", "MM"),
        (4, b"\x00\x00\x00\x06", "MM"),
        (4, b"\x06\x00\x00\x00", "II"),
        (12, b"\x00\x00\xc0\x7f", "II"),
        (99, b"\x00\x00\x00\x00", "II"),
    ],
)
def test_odd_orientations_cost_nothing(tmp_path: Path, kind: int, value: bytes, order: str) -> None:
    """Whatever OpenCV makes of it, the reduced picture's size is that of the whole one."""
    file = make_picture(tmp_path / "a.jpg", 320, 480)
    file.write_bytes(with_orientation(file.read_bytes(), kind, value, order))
    whole = read_picture(str(file))
    small = read_reduced(str(file), lambda width, height: 4.0)
    assert small.reduction == 4
    assert (small.height, small.width) == whole.shape[:2]
    assert (small.pixels.shape[1] > small.pixels.shape[0]) == (whole.shape[1] > whole.shape[0])


def test_pipes_sockets_and_devices_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    (tmp_path / "null.jpg").symlink_to("/dev/null")
    for name in ("pipe.jpg", "zero.jpg", "null.jpg"):
        with pytest.raises(UnreadableError) as caught:
            read_picture(str(tmp_path / name))
        assert caught.value.reason == "no regular file"
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(tmp_path / "socket.jpg"))
    with bound, pytest.raises(UnreadableError):
        read_picture(str(tmp_path / "socket.jpg"))


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.jpg").open("wb") as file:
        file.truncate(10**13)  # ten terabytes, none of them on the disk
    with pytest.raises(UnreadableError) as caught:
        read_picture(str(tmp_path / "a.jpg"))
    assert caught.value.reason == "too large"


def test_the_reason_is_the_true_one(tmp_path: Path) -> None:
    whole = make_picture(tmp_path / "a.webp").read_bytes()
    wide = np.zeros((4, 40_000, 3), dtype=np.uint8)
    contents = {
        "cut.webp": (whole[: len(whole) // 2], "truncated", "ends early"),
        "wide.png": (cv2.imencode(".png", wide)[1].tobytes(), "too large", "32766 pixels a side"),
        "many.png": (png_header(15_000, 15_000), "too large", "178 million pixels"),
        "clip.jpg": (
            b"\x00\x00\x00\x20ftypisom" + bytes(100),
            "video",
            "a video: mpn annotate",
        ),
        "clip2.jpg": (b"\x1aE\xdf\xa3" + bytes(100), "video", "a video: mpn annotate"),
        "bad.png": (b"\x89PNG\r\n\x1a\n" + bytes(40), "truncated", "ends early"),
        "bad.jpg": (b"\xff\xd8\xff\xc0\x00\x02\xff\xd9", "damaged", "a JPEG file"),
    }
    for name, (content, reason, detail) in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnreadableError) as caught:
            read_picture(str(tmp_path / name))
        assert caught.value.reason == reason, name
        assert detail in caught.value.detail, name


def test_heic_is_read_with_its_orientation(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(gradient(64, 96)).save(tmp_path / "a.heic", quality=95, exif=exif.tobytes())
    found = read_picture(str(tmp_path / "a.heic"))
    assert found.shape == (96, 64, 3)
    assert np.abs(found.astype(int) - np.rot90(gradient(64, 96), -1)).mean() < 6


def test_without_pillow_heif_the_hint_is_given(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(100))
    code = (
        "import sys\n"
        "class Without:\n"
        " def find_spec(self, name, *_):\n"
        "  if name == 'pillow_heif': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Without())\n"
        "import importlib.util as util; found = util.find_spec\n"
        "util.find_spec = lambda name, *more: None if name == 'pillow_heif' else found(name)\n"
        "from mpn_cli.sources.kinds import picture_suffixes\n"
        "from mpn_cli.sources.reading import UnreadableError, read_picture\n"
        "assert '.heic' not in picture_suffixes()\n"
        "try: read_picture(sys.argv[1])\n"
        "except UnreadableError as error: print(error.reason, error.detail)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.heic")], capture_output=True, text=True
    )
    assert done.stdout == "HEIC HEIC needs pillow-heif; pip install 'mobileposenet[heic]'\n", (
        done.stderr
    )


def test_lines_of_decoders_are_kept_and_given_as_the_reason(tmp_path: Path) -> None:
    """libjpeg and libtiff write to file descriptor 2 themselves."""
    jpeg = make_picture(tmp_path / "a.jpg", 300, 400).read_bytes()
    place = jpeg.index(b"\xff\xda") + 300
    (tmp_path / "a.jpg").write_bytes(jpeg[:place] + jpeg[place + 500 :])
    code = (
        "import sys\n"
        "from mpn_cli.sources import decoder_lines\n"
        "from mpn_cli.sources.reading import UnreadableError, read_picture\n"
        "if sys.argv[2] == 'listen': decoder_lines.listen()\n"
        "try: read_picture(sys.argv[1])\n"
        "except UnreadableError: pass\n"
        "with decoder_lines.heard() as line: decoder_lines.os.write(2, b'as a library does\\n')\n"
        "print('from Python', line(), file=sys.stderr)\n"
    )

    def said(how: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "a.jpg"), how],
            capture_output=True, text=True,
        ).stderr  # fmt: skip

    assert "Corrupt JPEG data" in said("leave")
    assert said("listen") == "from Python as a library does\n"
