"""Who runs shards, and the journal that makes a job impossible to lose.

From outside import ``engine.job``, ``engine.folder`` and ``engine.local``.
"""
