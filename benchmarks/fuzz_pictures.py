"""Pictures of all formats, altered at random, through ``mpn annotate``: what is left out, and why.

A picture may cost only itself: no internal error, no hang, no killed worker. Ends with 1 where that
does not hold. The same seed gives the same files, as long as Pillow's encoders stay the same.

    python benchmarks/fuzz_pictures.py --pictures 2000
"""

from __future__ import annotations

import argparse
import io
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

OK = (0, 3)
"""Exit codes: done, and done with some left out."""


def originals(rng: np.random.Generator) -> dict[str, bytes]:
    """A small picture in every format and in many of their varieties, by name."""
    coarse = Image.fromarray(rng.integers(0, 256, (12, 9, 3), dtype=np.uint8))
    picture = coarse.resize((90, 120), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    frames = [picture, picture.rotate(180)]
    several = {"save_all": True, "append_images": frames[1:]}
    deep = Image.fromarray(rng.integers(0, 65536, (40, 30), dtype=np.uint16))
    made: dict[str, tuple[str, Image.Image, dict[str, object]]] = {
        "baseline.jpg": ("JPEG", picture, {}),
        "exif.jpg": ("JPEG", picture, {"exif": exif}),
        "progressive.jpg": ("JPEG", picture, {"progressive": True}),
        "restarts.jpg": ("JPEG", picture, {"restart_marker_blocks": 4}),
        "grey.jpg": ("JPEG", picture.convert("L"), {}),
        "cmyk.jpg": ("JPEG", picture.convert("CMYK"), {}),
        "two.jpg": ("MPO", picture, several),
        "colour.png": ("PNG", picture, {}),
        "alpha.png": ("PNG", picture.convert("RGBA"), {}),
        "palette.png": ("PNG", picture.convert("P"), {}),
        "deep.png": ("PNG", deep, {}),
        "moving.png": ("PNG", picture, several),
        "plain.bmp": ("BMP", picture, {}),
        "palette.bmp": ("BMP", picture.convert("P"), {}),
        "lossy.webp": ("WEBP", picture, {}),
        "lossless.webp": ("WEBP", picture, {"lossless": True, "exif": exif}),
        "moving.webp": ("WEBP", picture, several),
        "plain.tif": ("TIFF", picture, {}),
        "lzw.tif": ("TIFF", picture, {"compression": "tiff_lzw"}),
        "jpeg.tiff": ("TIFF", picture, {"compression": "jpeg"}),
        "fax.tiff": ("TIFF", picture.convert("1"), {"compression": "group4"}),
        "deep.tif": ("TIFF", deep, {}),
        # Not taken from folders under their own names: a suffix may lie.
        "gif.jpg": ("GIF", picture, several),
        "avif.jpg": ("AVIF", picture, {}),
        "jpeg2000.jpg": ("JPEG2000", picture, {}),
        "tga.jpg": ("TGA", picture, {}),
        "ppm.jpg": ("PPM", picture, {}),
    }
    if find_spec("pillow_heif") is not None:
        import pillow_heif

        pillow_heif.register_heif_opener()
        made["apple.heic"] = ("HEIF", picture, {})
    contents = {}
    for name, (kind, image, options) in made.items():
        file = io.BytesIO()
        image.save(file, kind, **options)
        contents[name] = file.getvalue()
    contents["motion.jpg"] = contents["baseline.jpg"] + rng.bytes(5000)
    return contents


def _bytes(chance: random.Random, content: bytearray, where: int) -> None:
    for _ in range(chance.randint(1, 20)):
        content[chance.randrange(where)] = chance.randrange(256)


def flip(chance: random.Random, content: bytearray) -> None:
    """Alter bytes anywhere."""
    _bytes(chance, content, len(content))


def header(chance: random.Random, content: bytearray) -> None:
    """Alter bytes near the start, where sizes and kinds stand."""
    _bytes(chance, content, min(len(content), 200))


def extreme(chance: random.Random, content: bytearray) -> None:
    """Put numbers that are too large, or 0, where a count may stand."""
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(max(1, len(content) - 4))
        content[place : place + 4] = chance.choice(
            (b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f")
        )


def cut(chance: random.Random, content: bytearray) -> None:
    """Leave the end out."""
    del content[chance.randrange(len(content)) :]


def remove(chance: random.Random, content: bytearray) -> None:
    """Leave out some of the middle."""
    place = chance.randrange(len(content))
    del content[place : place + chance.randint(1, 400)]


def insert(chance: random.Random, content: bytearray) -> None:
    """Put random bytes in."""
    place = chance.randrange(len(content))
    content[place:place] = chance.randbytes(chance.randint(1, 400))


def repeat(chance: random.Random, content: bytearray) -> None:
    """Put a piece of it in a second time, elsewhere."""
    start, place = chance.randrange(len(content)), chance.randrange(len(content))
    content[place:place] = content[start : start + chance.randint(1, 1000)]


def blank(chance: random.Random, content: bytearray) -> None:
    """Zeros, as of a disk that was not written."""
    place = chance.randrange(len(content))
    length = min(chance.randint(1, 2000), len(content) - place)
    content[place : place + length] = bytes(length)


def append(chance: random.Random, content: bytearray) -> None:
    """Something behind the end."""
    content += chance.randbytes(chance.randint(1, 3000))


ALTERATIONS: tuple[Callable[[random.Random, bytearray], None], ...] = (
    flip, header, extreme, cut, remove, insert, repeat, blank, append,
)  # fmt: skip


def write_fuzzed(folder: Path, pictures: int, seed: int) -> None:
    """So many altered pictures; each format, and each alteration, in turn."""
    whole = originals(np.random.default_rng(seed))
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    names = list(whole)
    for number in range(pictures):
        name = names[number % len(names)]
        alter = ALTERATIONS[number // len(names) % len(ALTERATIONS)]
        content = bytearray(whole[name])
        alter(chance, content)
        if chance.random() < 0.1:  # the tail of another picture
            content += whole[chance.choice(names)]
        (folder / f"{number:05d}-{alter.__name__}-{name}").write_bytes(bytes(content))


def run(folder: Path, out: Path, options: list[str], seconds: float) -> tuple[int, str]:
    """``mpn annotate`` and its exit code (124: it hung), and what it wrote to stderr."""
    command = [sys.executable, "-m", "mpn_cli.cli.app", "annotate", str(folder), "-o", str(out),
               "--detector", "full-image", "--no-flip", "--quiet", *options]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        return 124, str(error)
    return done.returncode, done.stderr


def main() -> None:
    """Make, run, tell."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="kept there, else in a temporary folder")
    parser.add_argument("--seconds", type=float, default=1800, help="longer is a hang")
    parser.add_argument("--json", type=Path, help="also write the result here")
    parser.add_argument("options", nargs="*", help="more options of mpn annotate, after --")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = arguments.folder or Path(scratch)
        write_fuzzed(place / "pictures", arguments.pictures, arguments.seed)
        started = time.monotonic()
        options = arguments.options or ["--precision", "int8"]
        code, said = run(place / "pictures", place / "out", options, arguments.seconds)
        wall = time.monotonic() - started
        reasons: Counter[str] = Counter()
        details: dict[str, Counter[str]] = {}
        annotated = 0
        if code in OK:
            annotated = json.loads((place / "out/run.json").read_text())["counts"]["pictures"]
            for line in (place / "out/skipped.jsonl").read_text().splitlines():
                skipped = json.loads(line)
                reasons[skipped["reason"]] += 1
                details.setdefault(skipped["reason"], Counter())[skipped["detail"]] += 1
    print(f"exit {code} after {wall:.0f} s; {annotated} annotated, {reasons.total()} left out")
    for reason, count in reasons.most_common():
        commonest, _ = details[reason].most_common(1)[0]
        print(f"{count:6} {reason:12} as: {commonest[:70]}")
    if said:
        print(f"on stderr: {len(said.splitlines())} lines, first: {said.splitlines()[0][:200]}")
    whole = code in OK and annotated + reasons.total() == arguments.pictures
    fine = whole and not said and not reasons["crashed"]
    if arguments.json:
        arguments.json.write_text(
            json.dumps({"exit": code, "annotated": annotated, "reasons": reasons, "stderr": said})
        )
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
