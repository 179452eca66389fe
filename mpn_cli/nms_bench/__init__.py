"""``mpn nms-bench``: the NMS backends side by side, in speed and in AP."""
