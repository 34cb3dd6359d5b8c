"""Vectors of pictures embedded before, kept on disk and found by the hash of their bytes."""
