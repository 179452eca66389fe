"""How good results are: COCO's ten numbers with intervals, kinds of mistakes, health check, PCK.

``measuring`` is where to begin: it compares results (``similarity``), matches them (``matching``)
and takes the numbers from the matches (``matches``). ``breakdown``, ``errors``, ``reliability`` and
``intervals`` work on what it returns. ``coco`` asks hotcoco or pycocotools for the same numbers of
dictionaries, and ``pckh`` is MPII's measure.
"""
