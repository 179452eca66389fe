"""mpn: people's poses in folders of pictures, as COCO keypoint files."""

__version__ = "0.1.0"
