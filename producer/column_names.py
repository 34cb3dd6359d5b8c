"""Column names as they are compared: one spelling for `Image Link`, `image_link`, `imageLink`, `g:image_link` and `image[0].url`."""

from __future__ import annotations

import re
import unicodedata

_PREFIXES = ("g:", "c:")
"""Namespaces of feeds for Google: they say whose the field is, not what it is."""
_PLURALS = re.compile(r"(?<=[a-z0-9_\- ])(URL|URI|ID|SKU)s\b|^(URL|URI|ID|SKU)s\b")
_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BETWEEN = re.compile(r"[^0-9a-z]+")


def plain_name(name: str) -> str:
    """The name in small ASCII letters, its words joined by `_`: `imageURLs` is `image_urls`, `Größe` is `grosse`.

    What has no ASCII form is left out; a name of nothing else (Japanese, say) comes back folded as it is.
    """
    text = name.strip()
    for prefix in _PREFIXES:
        text = text.removeprefix(prefix)
    text = _PLURALS.sub(lambda match: match[0].capitalize(), text)
    folded = _ascii(_WORD_STARTS.sub("_", text).casefold())
    return _BETWEEN.sub("_", folded).strip("_") or text.casefold()


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text.replace("ł", "l").replace("ø", "o"))
    return decomposed.encode("ascii", "ignore").decode("ascii")
