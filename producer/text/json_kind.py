"""Whether a file of JSON is JSON Lines or one document, by its first bytes."""

from __future__ import annotations

from typing import Any

import orjson


def is_json_lines(text: str) -> bool:
    """Return whether the first line is an object and does not hold a whole catalog; `text` begins with a bracket."""
    first, _, rest = text.lstrip().partition("\n")
    second, _, _ = rest.lstrip().partition("\n")
    if goes_on(text):
        return False
    if not second:
        return _is_flat(first)
    # A first line that is damaged is no reason to take the others for one document.
    return _object(first) is not None or _object(second) is not None


def goes_on(text: str) -> bool:
    """Return whether a document goes on after its first line."""
    first = text.lstrip().partition("\n")[0].rstrip()
    return first.startswith("[") or (first.startswith("{") and first.endswith(("{", "[", ",", ":")))


def _is_flat(line: str) -> bool:
    """Return whether a line is an object without objects in it."""
    found = _object(line)
    return found is not None and b"{" not in orjson.dumps(list(found.values()))


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
