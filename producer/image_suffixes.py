"""Suffixes of picture files."""

from __future__ import annotations

IMAGE_SUFFIXES = frozenset({"jpg", "jpeg", "jfif", "png", "webp", "gif", "avif", "bmp"})
"""In lower case, without the dot."""
