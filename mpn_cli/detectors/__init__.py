"""Person detectors: the contract, what is built in, ONNX files, and plug-ins.

``registry`` finds and loads the one that ``--detector`` names.
"""
