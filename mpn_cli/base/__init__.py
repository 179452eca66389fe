"""The lowest layer: every other folder may import from it, and it imports from none of them.

Errors and exit codes, array types, skeletons, choices and the recipe, atomic file writes, signals,
devices, the version.
"""
