"""Suppression of duplicate poses: the contract, OKS, the built-in backends and the registry.

From outside, import only from:

- ``nms_backends.contract``: PoseBatch, NmsConfig, Kept and the NmsBackend protocol
- ``nms_backends.registry``: backends by name, plug-ins included
- ``nms_backends.plugins``: the same for any other entry-point group

This package depends on numpy (and numba or torch inside single backends) and knows nothing of
``mpn_cli`` or ``models``.
"""
