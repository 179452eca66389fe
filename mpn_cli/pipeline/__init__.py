"""One shard's way through: read, detect, crop, estimate, decode, suppress."""
