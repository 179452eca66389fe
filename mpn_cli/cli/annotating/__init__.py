"""Parts of ``mpn annotate``: its plan, its run record and its summary."""
