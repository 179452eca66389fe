"""The processing of one shard: read, detect, crop, estimate, decode, suppress.

``shard`` is the pure function; ``tools`` holds what a worker loads for it, ``boxes`` selects the
boxes, ``poses`` goes from boxes to joints on the CPU.
"""
