"""The query vector of a search, and the items to exclude.

Pictures and words go through the query lane to a worker for the collection's model; a search by item uses the mean
of its stored vectors and excludes the item from the results.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from api.dependencies import Services
from api.requests import bodies
from api.search.request import SHORTEST, ByItem, ByVector, Example, SearchRequest
from api.search.sample_cache import SampleCache
from vitrine.core.errors import BadInput, Conflict, NotFound, VitrineError
from vitrine.query.client import Query
from vitrine.similarity.blend import WeightedVector, blend
from vitrine.store import EmbeddingSpace, VectorStore
from vitrine.store.spaces import require_same_space

_DESCRIBED = {"image": "the uploaded picture", "url": "the picture at the URL", "text": "the words"}


@dataclass(frozen=True, slots=True)
class StoreQuery:
    """A query to the store: a unit vector, float32 [dimension], and the items to exclude."""

    vector: NDArray[np.float32]
    exclude: tuple[str, ...]
    kind: str
    described: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """An example with its vector."""

    vector: NDArray[np.float32]
    kind: str
    described: str
    named: str  #: The description used in a list of several examples.


def resolve_query_vector(
    parts: Services, backgrounds: SampleCache, asked: SearchRequest, space: EmbeddingSpace
) -> StoreQuery:
    """Return the store query of a search in a collection of this space.

    Raises `NotFound` for an unknown item, `BadInput` for a picture or words that cannot be embedded, `Conflict` if the
    vectors cancel each other out, `SpaceMismatch` if the worker's space is not the collection's.
    """
    examples = (*asked.like, *asked.unlike)
    seen = _see(parts, asked.options.collection, examples, space)
    exclude = tuple(dict.fromkeys(one.by.item_id for one in examples if isinstance(one.by, ByItem)))
    if len(seen) == 1:
        return StoreQuery(seen[0].vector, exclude, seen[0].kind, seen[0].described)
    weighted = [
        WeightedVector(one.vector, example.weight)
        for one, example in zip(seen, examples, strict=True)
    ]
    count = len(asked.like)
    background = backgrounds.of(asked.options.collection, space)
    vector = blend(weighted[:count], weighted[count:], background)
    if vector is None:
        raise Conflict(
            "The wanted and unwanted examples cancel each other out.",
            hint="Remove one of the examples, or change its weight.",
        )
    return StoreQuery(vector, exclude, "blend", _told(seen[:count], seen[count:]))


def _told(like: Sequence[_Seen], unlike: Sequence[_Seen]) -> str:
    told = _counted(like)
    return f"{told}, away from {_counted(unlike)}" if unlike else told


def _counted(seen: Sequence[_Seen]) -> str:
    """Return a list such as `the picture sent and the words`, or only the count if there are more than three."""
    names = [one.named for one in seen]
    if len(names) > 3:
        return f"{len(names)} examples"
    return " and ".join(names)


# --- from examples to vectors ---------------------------------------------------------------------


def _see(
    parts: Services, collection: str, examples: Sequence[Example], space: EmbeddingSpace
) -> list[_Seen]:
    """Return each example's vector; those that need a worker are embedded in one call."""
    asked = [example for example in examples if isinstance(example.by, Query)]
    embedded = iter(_embed(parts, collection, asked, space))
    return [
        next(embedded)
        if isinstance(example.by, Query)
        else _kept(parts.store, collection, example.by, space)
        for example in examples
    ]


def _embed(
    parts: Services, collection: str, examples: Sequence[Example], space: EmbeddingSpace
) -> list[_Seen]:
    queries = [example.by for example in examples if isinstance(example.by, Query)]
    if not queries:
        return []
    seen = []
    answers = parts.query_client.embed_many(space.model, queries)
    for example, query, answer in zip(examples, queries, answers, strict=True):
        if isinstance(answer, VitrineError):
            raise _placed(answer, example, alone=len(examples) == 1)
        require_same_space(collection, space, answer.space)
        told = _DESCRIBED[query.kind]
        seen.append(_Seen(answer.vector, query.kind, told, told))
    return seen


def _placed(error: VitrineError, example: Example, *, alone: bool) -> VitrineError:
    """Return the error, with the example's name if there are several."""
    if alone or not isinstance(error, BadInput):
        return error
    return BadInput(f"{example.named}: {error.message}", hint=error.hint)


def _kept(
    store: VectorStore, collection: str, by: ByItem | ByVector, space: EmbeddingSpace
) -> _Seen:
    if isinstance(by, ByItem):
        return _of_item(store, collection, by.item_id)
    if by.vector.size != space.dimension:
        raise bodies.refuse_field(
            "vector",
            f"The collection's vectors have {space.dimension} values, not {by.vector.size}.",
        )
    return _Seen(by.vector, "vector", "the given vector", "the given vector")


def _of_item(store: VectorStore, collection: str, item_id: str) -> _Seen:
    points = store.item(collection, item_id)
    if not points:
        raise NotFound(
            f"The collection {collection} has no item {item_id}.",
            hint="Its pictures may have failed, or are not embedded yet.",
        )
    vectors = np.stack([point.vector for point in points]).astype(np.float64)
    mean: NDArray[np.float64] = vectors.sum(axis=0) / len(points)
    length = float(np.linalg.norm(mean))
    if length < SHORTEST:
        # Opposite vectors: their mean has no direction, and dividing by its length would yield noise.
        raise Conflict(
            f"The vectors of the item {item_id} cancel each other out.",
            hint="Search by one of its pictures instead.",
        )
    count = len(points)
    which = "its stored vector" if count == 1 else f"the mean of its {count} stored vectors"
    return _Seen((mean / length).astype(np.float32), "item", which, f"the item {item_id}")
