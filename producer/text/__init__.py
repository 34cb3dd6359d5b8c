"""Texts: the encoding that a file is in, and a stream of its characters."""
