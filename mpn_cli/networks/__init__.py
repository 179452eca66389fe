"""Pose networks, whatever computes them: OpenVINO, torch, a GPU, other people's ONNX files.

``contract`` says what a network offers, ``sources`` finds and loads the one that ``--model`` names;
the runtimes behind it (``pose_*``), OpenVINO's forms, ONNX files and downloads follow.
"""
