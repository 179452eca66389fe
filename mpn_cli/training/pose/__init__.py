"""Training a pose network: labelled people, augmented crops, heatmap targets, losses, AP.

From outside import ``training.pose.task``.
"""
