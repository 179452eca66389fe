"""Training: labelled people, augmented crops, targets, losses, the loop and its checkpoints.

Used by ``mpn train``; from outside import ``mpn_cli.training.recipe`` and
``mpn_cli.training.loop``.
"""
