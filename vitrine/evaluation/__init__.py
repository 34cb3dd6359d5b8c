"""Measures of a model's vectors on the user's own catalog. They need numpy only, no running service."""
