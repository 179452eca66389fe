"""Running shards in processes and on clusters, and the part files that make jobs resumable.

From outside import ``engine.job``, ``engine.folder`` and ``engine.local``.
"""
