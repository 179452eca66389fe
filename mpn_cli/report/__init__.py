"""``mpn report``: one HTML page about a run, with everything in it."""
