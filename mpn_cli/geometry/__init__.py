"""Where things are: crops of boxes, joints in heatmaps, boxes.

Pure functions on arrays. ``torch_crops`` and ``torch_decoding`` are the same on torch tensors, for
networks that run on a device; constants stand once, in the numpy form.
"""
