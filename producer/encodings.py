"""Text encodings: the names that are accepted for one, and what a file without a mark is in."""

from __future__ import annotations

import codecs


def canonical_encoding(name: str) -> str:
    """The codec's own name (`cp1252` for `Windows-1252`); raises `ValueError` for one that is not a text encoding."""
    try:
        found = codecs.lookup(name.strip())
        "a".encode(found.name)
    except (LookupError, TypeError, ValueError, UnicodeError):
        raise ValueError(
            f"{name[:40]!r} is not a text encoding; common ones are utf-8, cp1252, iso8859-15, utf-16 and shift_jis"
        ) from None
    return found.name
