"""Pose networks, whatever computes them: OpenVINO, torch, a GPU, other people's ONNX files.

``contract`` says what a network offers; ``sources`` finds and loads the one that ``--model`` names:
ours, an ONNX file or a plug-in. The runtimes behind it (``pose_*``), OpenVINO's forms, ONNX files
and downloads follow.
"""
