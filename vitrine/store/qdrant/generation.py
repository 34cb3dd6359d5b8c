"""Generations on a Qdrant server: creating one, and reading its collection's metadata and schema."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

from vitrine.core.errors import Conflict
from vitrine.core.store_options import StoreOptions
from vitrine.store.base import ITEM_FIELD, EmbeddingSpace
from vitrine.store.field_types import FieldIndexes
from vitrine.store.spaces import generation_name, space_from_json

METADATA_KEY = "vitrine"

SCHEMA = {
    "keyword": models.PayloadSchemaType.KEYWORD,
    "float": models.PayloadSchemaType.FLOAT,
    "bool": models.PayloadSchemaType.BOOL,
    "datetime": models.PayloadSchemaType.DATETIME,
}


@dataclass(slots=True)
class QdrantGeneration:
    """The real collection of a catalog."""

    collection: str
    space: EmbeddingSpace
    indexes: FieldIndexes
    seen_at: float = field(default_factory=time.monotonic)  #: Monotonic seconds.


def as_metadata(collection: str, space: EmbeddingSpace) -> dict[str, Any]:
    """Return the metadata to store with the collection."""
    return {METADATA_KEY: {"collection": collection, **asdict(space)}}


def create_generation(
    client: QdrantClient, name: str, space: EmbeddingSpace, options: StoreOptions
) -> None:
    """Create the generation for a space, index its item ids, and point the alias at it.

    Two workers may do this at the same time: no step changes what the other has created.
    """
    collection = generation_name(name, space)
    try:
        client.create_collection(
            collection,
            models.VectorParams(size=space.dimension, distance=models.Distance.COSINE),
            metadata=as_metadata(collection, space),
            timeout=options.store_timeout,
        )
    except UnexpectedResponse:
        # Another worker was faster. The generation's name guarantees that it created the same one.
        if not client.collection_exists(collection):
            raise
    client.create_payload_index(collection, ITEM_FIELD, SCHEMA["keyword"], wait=True)
    alias = models.CreateAlias(collection_name=collection, alias_name=name)
    client.update_collection_aliases(
        [models.CreateAliasOperation(create_alias=alias)], timeout=options.store_timeout
    )


def read_generation(name: str, info: models.CollectionInfo) -> QdrantGeneration:
    """Read the generation from a collection's description. Raises `Conflict` if vitrine did not create it."""
    metadata: Mapping[str, Any] = info.config.metadata or {}
    try:
        written = metadata[METADATA_KEY]
        space, collection = space_from_json(written), str(written["collection"])
    except (KeyError, TypeError, ValueError) as error:
        raise Conflict(
            f"The server's collection {name!r} was not made by vitrine, or the server keeps no metadata.",
            hint="Use another name; Qdrant 1.16 or newer is needed.",
        ) from error
    return QdrantGeneration(collection, space, _field_indexes(info))


def _field_indexes(info: models.CollectionInfo) -> FieldIndexes:
    schema = info.payload_schema.items()
    return FieldIndexes.of_schema((path, str(entry.data_type.value)) for path, entry in schema)
