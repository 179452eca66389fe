"""Training a person detector: whole pictures, augmented views, centre and box targets, box AP.

From outside import ``training.detection.task``.
"""
