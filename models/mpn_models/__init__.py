"""MobilePoseNet as PyTorch modules: the network, its folded inference form, weights and registry.

Source: Niu et al., "Designing Compact Convolutional Filters for Lightweight Human Pose
Estimation", Wireless Communications and Mobile Computing, 2021 ("the paper").

From outside, import only from:

- ``mpn_models.registry``: architectures by name (no torch needed until one is built)
- ``mpn_models.nanodet``: the person detector's network
- ``mpn_models.network``: building a network for an architecture
- ``mpn_models.folded``: the inference form of a trained network
- ``mpn_models.weights``: reading and writing weight files
- ``mpn_models.counting``: parameters and multiply-adds, counted on real layers

This package depends on torch and safetensors alone and knows nothing of ``mpn_cli``.
"""
