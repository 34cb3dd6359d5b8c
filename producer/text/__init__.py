"""Texts: the encoding that a file is in, a stream of its characters, and its lines."""
