"""Person detectors: the contract, what is built in, and plug-ins.

From outside import ``detectors.contract`` and ``detectors.registry``.
"""
