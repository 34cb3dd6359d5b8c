"""Pixels into a model's input, the fast way and the reference way."""
