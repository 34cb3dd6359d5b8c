"""Preprocessing methods that `benchmarks.preprocess` compares, and the pictures for it."""
