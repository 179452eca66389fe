"""Geometry: crops around boxes, joint positions in heatmaps, operations on boxes.

Pure functions on arrays. ``torch_crops`` and ``torch_decoding`` do the same with torch tensors, for
networks that run on a device; constants are defined once, in the numpy modules.
"""
