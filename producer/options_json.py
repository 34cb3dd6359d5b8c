"""The options a catalog was read with, stored in its job as JSON: a resume has to read it the same way."""

from __future__ import annotations

from typing import Any

import orjson

from producer.catalog import CatalogOptions
from producer.formats import Format
from vitrine.core.errors import BadInput

_FIELDS = (
    "format", "id", "images", "payload", "image_separator", "image_root", "preset", "group_by", "encoding", "skip",
    "row",
)  # fmt: skip


def options_to_json(options: CatalogOptions) -> str:
    """Return the options as a job's spec stores them; the spec's `file_root` says whether files can be read."""
    return orjson.dumps(_plain(options)).decode()


def options_from_json(reading: str, given: CatalogOptions) -> CatalogOptions:
    """Return the options of a job's catalog; raise `BadInput` if an option given again differs."""
    before: dict[str, Any] = orjson.loads(reading)
    default = _plain(CatalogOptions())
    before = default | before  # a job of an earlier version has fewer
    for name, value in _plain(given).items():
        if value not in (default[name], before[name]):
            raise BadInput(
                f"The job's catalog was read with {name.replace('_', ' ')} {_shown(before[name])}, not {_shown(value)}.",
                hint="A resume reads the file as the job was begun: leave such options out.",
            )
    return CatalogOptions(
        format=None if before["format"] is None else Format(before["format"]),
        id=before["id"],
        images=tuple(before["images"]),
        payload=None if before["payload"] is None else tuple(before["payload"]),
        image_separator=before["image_separator"],
        image_root=before["image_root"],
        preset=before["preset"],
        group_by=before["group_by"],
        encoding=before["encoding"],
        skip=before["skip"],
        row=before["row"],
        allow_files=given.allow_files,
        places=given.places,
    )


def _plain(options: CatalogOptions) -> dict[str, Any]:
    values = {name: getattr(options, name) for name in _FIELDS}
    # A JSON round trip, so that both sides of a comparison have the same types.
    plain: dict[str, Any] = orjson.loads(orjson.dumps(values))
    return plain


def _shown(value: Any) -> str:
    if not value:
        return "left out"
    if isinstance(value, int):
        return str(value)
    return ", ".join(value) if isinstance(value, list) else repr(value)
