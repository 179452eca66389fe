"""MobilePoseNet as PyTorch modules: the network, its folded inference form, weights and registry.

Source: Niu et al., "Designing Compact Convolutional Filters for Lightweight Human Pose
Estimation", Wireless Communications and Mobile Computing, 2021 ("the paper").

From outside, import only from:

- ``models.registry``: architectures by name (no torch needed until one is built)
- ``models.nanodet``: the person detector's network
- ``models.network``: building a network for an architecture
- ``models.folded``: the inference form of a trained network
- ``models.weights``: reading and writing weight files
- ``models.counting``: parameters and multiply-adds, counted on real layers

This package depends on torch and safetensors alone and knows nothing of ``mpn_cli``.
"""
