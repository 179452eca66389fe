"""Pose networks, whatever computes them: OpenVINO, torch, a GPU, other people's ONNX files.

``contract`` defines what a network offers; ``sources`` finds and loads the one that ``--model``
names: one of ours, an ONNX file or a plug-in. The other modules are the runtimes (``pose_*``), the
OpenVINO files made from weights, ONNX files, score models and downloads; ``exporting`` writes our
networks for runtimes elsewhere.
"""
