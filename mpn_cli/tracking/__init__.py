"""Which poses of a video are the same person's: ids over frames.

From outside import ``tracking.tracks.tracked``, which goes through the results as a stream.
"""
