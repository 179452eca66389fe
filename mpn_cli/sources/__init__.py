"""Pictures and boxes in: folders, files, globs, path lists, COCO files, and reading pictures.

From outside import ``sources.tasks`` (what is to be done), ``sources.gather`` (from the command
line's words to tasks) and ``sources.reading`` (one picture's pixels).
"""
