"""Videos, from the command to the files."""

import json
import os
import shutil
import signal
from pathlib import Path

import av
import cv2
import numpy as np
from pycocotools.coco import COCO

from mpn_cli.sources.frames import FrameReader
from mpn_cli.sources.gather import gather
from mpn_cli.sources.tasks import FrameTask
from tests.acceptance.conftest import Mpn
from tests.acceptance.test_going_on import results, stopped_after
from tests.conftest import make_picture
from tests.videos import panning, write_sound, write_video

FRAMES = 45


def make_clip(file: Path, frames: int = FRAMES, seed: int = 0) -> Path:
    small = np.random.default_rng(seed).integers(0, 256, (8, 10, 3), np.uint8)
    still = np.asarray(cv2.resize(small, (200, 160), interpolation=cv2.INTER_CUBIC), np.uint8)
    return write_video(file, panning(still, frames, 96, 80), options={"g": "6"})


def poses(out: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((out / "predictions.json").read_text())
    return found


def test_a_video_is_its_frames(mpn: Mpn, tmp_path: Path, fresh_weights: Path) -> None:
    """The same poses as of the same pixels in PNG files; whole, killed and resumed, any workers."""
    clip = make_clip(tmp_path / "in/clip.mp4")
    command = ["annotate", "in", "--model", str(fresh_weights), "--shard-size", "6", "-o"]
    assert mpn(*command, "one", "--workers", 1).returncode == 0
    with FrameReader() as reader:
        for task in gather([str(clip)]).tasks:
            assert isinstance(task, FrameTask)
            pixels = reader.read(task).pixels
            file = tmp_path / "pictures" / task.file_name.replace(".jpg", ".png")
            file.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(file), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    assert mpn("annotate", "pictures", *command[2:], "still").returncode == 0
    assert poses(tmp_path / "one") == poses(tmp_path / "still")
    for workers in ("1", "2"):
        out = f"killed-{workers}"
        stopped = stopped_after(2, tmp_path, [*command, out, "--workers", workers], signal.SIGKILL)
        assert stopped.returncode == -signal.SIGKILL
        assert 2 <= len(list((tmp_path / out / "parts").glob("0*.jsonl"))) < 8
        again = mpn(*command, out, "--workers", 2)
        assert again.returncode == 0, again.stderr
        assert "done before" in again.stdout
        assert results(tmp_path / out) == results(tmp_path / "one")
    data = COCO(str(tmp_path / "one/dataset.json"))
    image = data.loadImgs([10])[0]
    assert image == {
        "id": 10, "file_name": "clip.mp4/frame_000009.jpg", "width": 96, "height": 80,
        "video_id": 1, "frame_id": 9, "time": 0.36,
    }  # fmt: skip
    assert data.dataset["videos"] == [{"id": 1, "name": "clip.mp4"}]
    # The choice of frames belongs to the job; frames that were done are not done again.
    other = mpn(*command, "one", "--every", 2)
    assert other.returncode == 2
    assert "22 of its 45 pictures changed since, or are not among these" in other.stderr
    assert mpn(*command, "few", "--to", "0.48").returncode == 0
    more = mpn(*command, "few")
    assert "few/ holds 12 of these 45 pictures" in more.stderr
    assert results(tmp_path / "few") == results(tmp_path / "one")


def test_tracks_and_overlays(mpn: Mpn, tmp_path: Path, fresh_weights: Path) -> None:
    make_clip(tmp_path / "in/a.mp4", 20)
    make_clip(tmp_path / "in/b.mov", 8, seed=1)
    make_picture(tmp_path / "in/c.png")
    command = ("annotate", "in", "--model", fresh_weights, "--shard-size", 6, "-o")
    assert mpn(*command, "plain", "--overlay").returncode == 0
    tracked = mpn(*command, "tracked", "--track", "--overlay")
    assert tracked.returncode == 0, tracked.stderr
    assert "people in 1 pictures that are no frames get no track_id" in tracked.stderr
    found = poses(tmp_path / "tracked")
    assert [pose.pop("track_id", None) for pose in found] == [1] * 20 + [2] * 8 + [None]
    assert found == poses(tmp_path / "plain")
    in_data_set = json.loads((tmp_path / "tracked/dataset.json").read_text())["annotations"]
    assert [one.get("track_id") for one in in_data_set] == [1] * 20 + [2] * 8 + [None]
    for out in ("plain", "tracked"):
        overlays = tmp_path / out / "overlays"
        assert sorted(os.listdir(overlays)) == ["a.mp4", "b.mov.mp4", "c.png.jpg"]
        for name, frames in (("a.mp4", 20), ("b.mov.mp4", 8)):
            with av.open(str(overlays / name)) as container:
                shown = list(container.decode(video=0))
                assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
            assert [round(frame.time * 25) for frame in shown] == list(range(frames))
            assert (shown[0].width, shown[0].height) == (96, 80)
        assert not (tmp_path / out / "parts").exists()
    assert (
        len({(tmp_path / out / "overlays/a.mp4").read_bytes() for out in ("plain", "tracked")}) == 2
    )
    # Tracks of a finished job, without finding its people again.
    before = results(tmp_path / "tracked")
    late = mpn(*command, "plain", "--track")
    assert "plain/ holds 29 of these 29 pictures" in late.stderr
    assert results(tmp_path / "plain") == before
    # And a kill after any shard, with the overlays of a video among what is kept.
    killed = [*map(str, command), "killed", "--overlay", "--workers", "2"]
    assert stopped_after(2, tmp_path, killed, signal.SIGKILL).returncode == -signal.SIGKILL
    assert mpn(*killed, "--keep-parts").returncode == 0
    for name in ("a.mp4", "b.mov.mp4", "c.png.jpg"):
        ours, theirs = (tmp_path / out / "overlays" / name for out in ("killed", "plain"))
        assert ours.read_bytes() == theirs.read_bytes()
    # What somebody changed since is theirs.
    with (tmp_path / "killed/overlays/a.mp4").open("ab") as file:
        file.write(b"x")
    again = mpn(*killed, "--no-resume", "--quiet")
    assert again.returncode == 2
    assert "overlays/a.mp4 is there already, which mpn did not write" in again.stderr
    refused = mpn("annotate", "in/c.png", "--track", "-o", "none")
    assert refused.returncode == 2
    assert "there is no video among the sources" in refused.stderr


def test_what_goes_wrong_with_videos(mpn: Mpn, tmp_path: Path, fresh_weights: Path) -> None:
    clip = make_clip(tmp_path / "in/whole.mkv", 12)
    write_sound(tmp_path / "in/sound.mp4")
    cut = tmp_path / "in/cut.mkv"
    shutil.copy(clip, cut)
    os.truncate(cut, cut.stat().st_size * 2 // 3)
    shutil.copy(clip, tmp_path / "in/photo.jpg")
    done = mpn("annotate", "in", "--model", fresh_weights, "-o", "out", "--no-flip")
    assert done.returncode == 3, done.stderr
    lines = map(json.loads, (tmp_path / "out/skipped.jsonl").read_text().splitlines())
    said = {os.path.basename(line["path"]): line for line in lines}
    assert {name: line["reason"] for name, line in said.items()} == {
        "sound.mp4": "no video", "cut.mkv": "truncated", "photo.jpg": "video",
    }  # fmt: skip
    record = json.loads((tmp_path / "out/run.json").read_text())
    kept = record["counts"]["pictures"] - 12
    assert f"the {kept} frames before that are used" in said["cut.mkv"]["detail"]
    assert 2 < kept < 12
    assert record["counts"]["videos"] == 2
    assert record["picture_folders"] == [f"{tmp_path}/in/"]
    plan = json.loads(mpn("annotate", "in", "--dry-run", "--json", "--fps", 5).stdout)
    assert (plan["videos"], plan["skipped"]) == (2, 2)
    page = mpn("report", "out")
    assert page.returncode == 0, page.stderr
    # The picture, and the first frames of both videos: none of the thumbnails is missing.
    html = (tmp_path / "out/report.html").read_text()
    assert html.count("data:image/webp") >= record["counts"]["pictures"]
    alone = mpn("annotate", "in/sound.mp4", "-o", "none")
    assert alone.returncode == 2
    assert alone.stderr.count("\n") == 1
    assert "it has no video stream" in alone.stderr
