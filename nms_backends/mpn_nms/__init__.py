"""Suppression of duplicate poses: the contract, OKS, the built-in backends and the registry.

From outside, import only from:

- ``mpn_nms.contract``: PoseBatch, NmsConfig, Kept and the NmsBackend protocol
- ``mpn_nms.registry``: backends by name, plug-ins included
- ``mpn_nms.plugins``: the same for any other entry-point group

This package depends on numpy (and numba or torch inside single backends) and knows nothing of
``mpn_cli`` or ``models``.
"""
