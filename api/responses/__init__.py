"""Responses other than plain JSON: event streams and vectors as bytes."""
