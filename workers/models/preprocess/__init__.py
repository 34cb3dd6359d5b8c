"""Preprocessing of pixels into a model's inputs: the fast way and the reference way."""
