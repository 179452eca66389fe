"""What ``mpn annotate`` shows at its end."""

from __future__ import annotations

from typing import Any

from mpn_cli.cli import console
from mpn_cli.results.run_record import RunRecord
from mpn_cli.sources.kinds import hints, in_words


def show_summary(record: RunRecord[Any], pose_thr: float, out: str) -> None:
    """Show a finished run's counts, times and files; ``out`` is the folder's name."""
    counts, seconds = record.counts, dict(record.seconds)
    wall = seconds.pop("wall", 0.0)
    table = console.make_table("Done", ("", "", ""), numbers_from=3)
    table.show_header = False
    for name, count in (("pictures", counts.pictures), ("people", counts.people)):
        new = count - counts.before_this_run.get(name, 0)
        rate = f"{new / wall:.1f}/s" if wall else ""
        old = f", {count - new} done before" if new < count else ""
        table.add_row(name, str(count), rate + old)
    if counts.videos:
        table.add_row("videos", str(counts.videos), "whose frames are the pictures")
    if counts.kept_out:
        table.add_row(
            "kept out",
            str(counts.kept_out),
            f"score under {pose_thr:g} (--pose-thr): only in predictions.json",
        )
    reasons = ", ".join(f"{n} {why}" for why, n in counts.boxes_left_out.items())
    if reasons:
        table.add_row("boxes left out", str(sum(counts.boxes_left_out.values())), reasons)
    if counts.skipped:
        table.add_row("skipped", str(counts.skipped), "reasons in skipped.jsonl")
    if counts.full_image:
        table.add_row(
            "full image",
            str(counts.full_image),
            "no boxes given: one person is taken to fill each picture",
        )
    others = counts.other_files
    if others:
        described = "; ".join([in_words(others), *hints(others)])
        table.add_row("other files", str(sum(others.values())), described)
    if counts.other_size:
        table.add_row(
            "other size",
            str(counts.other_size),
            "not as large as the file with their boxes says: boxes may be misplaced",
        )
    stages = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
    table.add_row("seconds", f"{wall:.1f}", stages)
    table.add_row("files", "", f"{out}/predictions.json, dataset.json, run.json")
    console.print_table(table)
