"""What computes networks: OpenVINO forms of ours and other people's ONNX files.

Used by ``mpn_cli.estimators`` and ``mpn_cli.detectors``.
"""
