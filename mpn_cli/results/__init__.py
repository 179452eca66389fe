"""What a job writes: schemas, COCO files, overlays."""
