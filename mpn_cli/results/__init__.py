"""The output of a job: schemas, COCO files, overlays."""
