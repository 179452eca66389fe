"""One shard's way through: read, detect, crop, estimate, decode, suppress.

``shard`` is the pure function; ``tools`` is what a worker loads for it, ``boxes`` chooses where to
look, ``poses`` goes from boxes to joints on the CPU.
"""
