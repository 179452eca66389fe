"""Fitting a network's score model: poses of labelled people, regressions, cross-validation."""
