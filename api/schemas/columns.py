"""Names of columns in a form field: between commas, or as a JSON array."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson


def split_columns(given: Any) -> Any:
    """Return a form's fields with `image_columns` as a list; anything that is not such a form is returned unchanged."""
    columns = given.get("image_columns") if isinstance(given, dict) else None
    if isinstance(columns, str):
        return {**given, "image_columns": _names(columns)}
    return given


def _names(text: str) -> Any:
    """Names between commas, or the elements of a JSON array, for names that contain a comma."""
    if text.startswith("["):
        with suppress(orjson.JSONDecodeError):
            return orjson.loads(text)
    return [name.strip() for name in text.split(",") if name.strip()]
