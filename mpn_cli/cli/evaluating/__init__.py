"""Parts of ``mpn eval``: the assessment of results files, and how it is shown."""
