"""COCO files as people bring them: one place that reads them, whoever wrote them.

``formats.files`` reads JSON (byte order marks, NaN, types that are nearly right), ``formats.coco``
holds what stands in COCO's files and who of it is a person, ``formats.pictures`` finds the pictures
that their names mean.
"""
