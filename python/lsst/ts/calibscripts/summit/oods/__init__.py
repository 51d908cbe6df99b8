"""The simulated OODS: images are written, ingested and announced."""
