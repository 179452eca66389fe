"""Results in the formats of other tools: ``mpn convert``.

``labelled`` holds people as every format sees them, ``reading`` makes them of a results folder or a
COCO data set, ``folders`` writes folders of files whole or not at all. The other modules write one
format each; ``writers`` lists them.
"""
