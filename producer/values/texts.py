"""Texts as they are stored: HTML entities decoded, in Unicode's composed form (NFC), and cut if they are too long."""

from __future__ import annotations

import html
import re
import unicodedata
from html.entities import html5

from producer.limits import MAX_TEXT_CHARS

_ENTITY = re.compile(r"&(?:([A-Za-z][A-Za-z0-9]{1,31})|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_WORD = 100
"""Characters in which a cut looks for the end of a word."""


def decode_entities(text: str) -> str:
    """Return the text with its HTML entities decoded: only those with a semicolon, so that `?a=1&copy=2` stays."""
    return _ENTITY.sub(_decoded, text) if "&" in text else text


def clean_text(text: str) -> str:
    """Return a text with its entities decoded and its letters composed."""
    if "&" in text:
        text = _ENTITY.sub(_decoded, text).strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def cut_text(text: str, most: int = MAX_TEXT_CHARS) -> str:
    """Return a text of at most `most` characters, cut after a word and ended with `…`."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    if not text[most - 1].isspace():
        start = max(most - _WORD, 0)
        end = max(kept.rfind(" ", start), kept.rfind("\n", start))
        kept = kept[:end] if end > 0 else kept
    return f"{kept.rstrip()}…"


def _decoded(entity: re.Match[str]) -> str:
    name = entity[1]
    if name is None:
        return html.unescape(entity[0])
    return html5.get(f"{name};", entity[0])
