"""Runtimes for the pose network: crops in, heatmaps out.

From outside import ``estimators.contract`` and ``estimators.loading``.
"""
