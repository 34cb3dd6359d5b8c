"""A cache on disk of the vectors of pictures embedded before, looked up by the hash of their bytes."""
