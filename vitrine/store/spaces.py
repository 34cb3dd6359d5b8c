"""Reading, comparing and naming embedding spaces."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson

from vitrine.core.errors import SpaceMismatch
from vitrine.store.base import EmbeddingSpace, Provenance


def generation_name(name: str, space: EmbeddingSpace) -> str:
    """Return the name of the real collection for one catalog and space: `{name}.{8 hex digits}`.

    The same name and space always give the same generation, so workers that create it at the same time
    agree. Catalog names cannot contain a dot, so no catalog name can equal a generation name.
    """
    digest = hashlib.sha256(orjson.dumps(asdict(space), option=orjson.OPT_SORT_KEYS))
    return f"{name}.{digest.hexdigest()[:8]}"


def space_from_json(value: Mapping[str, Any]) -> EmbeddingSpace:
    """Read a space written by `dataclasses.asdict`. Raises `KeyError` if a part is missing."""
    return EmbeddingSpace(
        model=str(value["model"]),
        revision=str(value["revision"]),
        policy=str(value["policy"]),
        dimension=int(value["dimension"]),
    )


def require_same_space(name: str, stored: EmbeddingSpace, offered: EmbeddingSpace) -> None:
    """Raise `SpaceMismatch`, naming both spaces, unless they are equal."""
    if stored != offered:
        raise SpaceMismatch(
            f"Collection {name!r} holds vectors of {_label(stored)}; these are of {_label(offered)}.",
            hint="Use the same model and image policy, or another collection.",
        )


def require_provenance(name: str, stored: EmbeddingSpace, provenance: Provenance) -> None:
    """Raise `SpaceMismatch` if the provenance names another space."""
    offered = EmbeddingSpace(
        provenance.model, provenance.revision, provenance.policy, dimension=stored.dimension
    )
    require_same_space(name, stored, offered)


def _label(space: EmbeddingSpace) -> str:
    return (
        f"model {space.model} (revision {space.revision}, policy {space.policy}, "
        f"{space.dimension} dimensions)"
    )
