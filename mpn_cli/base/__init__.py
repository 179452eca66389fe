"""The ground floor: what every other folder may use and which uses none of them.

Errors and exit codes, array types, skeletons, choices and the recipe, whole-or-not-at-all files,
signals, devices, the version.
"""
