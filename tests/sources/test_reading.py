import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mpn_cli.sources.reading import UnreadableError, read_picture
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
