"""COCO's numbers, and the NMS backends side by side.

From outside import ``evaluation.coco`` and ``evaluation.nms_bench``.
"""
