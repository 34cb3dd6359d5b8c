"""Embed pictures and words through the query lane, with the same workers that embed the catalog.

Two batches run concurrently, so that the worker has the next one while an answer is read. Like every query, they take
priority over bulk work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from vitrine.core.errors import BadInput, SpaceMismatch, VitrineError
from vitrine.core.schemes import FILE, local_path, scheme_of
from vitrine.evaluation.sample import LabelledPicture
from vitrine.query.client import Query, QueryAnswer, QueryVector
from vitrine.store.base import EmbeddingSpace

T = TypeVar("T")

BATCH = 64
CONCURRENT_BATCHES = 2
BATCH_TIMEOUT = 600.0
"""Seconds per batch: a large model on a CPU takes four per picture, and may serve other clients too."""


class EmbeddingClient(Protocol):
    """The part of `vitrine.query.client.QueryClient` that this module uses."""

    def embed_many(
        self, model: str, queries: Sequence[Query], *, timeout: float | None = None
    ) -> list[QueryAnswer]:
        """Return a vector or an error for each query."""


@dataclass(frozen=True, slots=True)
class EmbeddedSample:
    """Pictures that got a vector, in their order, and those that failed, with the reason."""

    pictures: tuple[LabelledPicture, ...]
    vectors: NDArray[np.float32]  #: [n, dimension].
    space: EmbeddingSpace | None  #: None if no picture got a vector.
    failures: tuple[tuple[LabelledPicture, str], ...]


def embed_pictures(
    lane: EmbeddingClient,
    model: str,
    pictures: Sequence[LabelledPicture],
    *,
    max_bytes: int,
    on_progress: Callable[[int], None] = lambda _: None,
) -> EmbeddedSample:
    """Embed every picture. A picture that cannot be embedded is recorded as a failure.

    `on_progress` receives how many more pictures are done. Raises `ModelUnavailable` if no worker responds, and
    `SpaceMismatch` if workers with different spaces do.
    """
    kept: list[LabelledPicture] = []
    found: list[QueryVector] = []
    failures: list[tuple[LabelledPicture, str]] = []
    questions = _batches(pictures, lambda picture: _asked(picture, max_bytes))
    for picture, answer in zip(pictures, _answers(lane, model, questions), strict=True):
        if isinstance(answer, QueryVector):
            kept.append(picture)
            found.append(answer)
        elif isinstance(answer, BadInput):
            failures.append((picture, answer.message))
        else:
            raise answer  # a problem of the worker, not of the picture
        on_progress(1)
    return EmbeddedSample(tuple(kept), _stacked(found), _space(found), tuple(failures))


def embed_texts(lane: EmbeddingClient, model: str, texts: Sequence[str]) -> NDArray[np.float32]:
    """Return unit vectors, float32 [n, dimension]. Raises `BadInput` if the model has no text tower."""
    found: list[QueryVector] = []
    questions = _batches(texts, lambda text: Query("text", text.encode()))
    for answer in _answers(lane, model, questions):
        if isinstance(answer, VitrineError):
            raise answer
        found.append(answer)
    return _stacked(found)


def picture_query(picture: LabelledPicture, max_bytes: int) -> Query:
    """Return the query for a picture: a file's bytes, or the URL of anything else. Raises `BadInput`."""
    if scheme_of(picture.source) is not FILE:
        return Query("url", picture.source.encode())
    try:
        with open(local_path(picture.source), "rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise BadInput(f"The file cannot be read: {error.strerror}.") from error
    if len(data) > max_bytes:
        raise BadInput(f"The file has more than {max_bytes} bytes.")
    return Query("image", data)


BatchFactory: TypeAlias = Callable[[], list[Query | BadInput]]
"""Builds a batch's queries just before they are sent, so that files are not read long in advance."""


def _batches(things: Sequence[T], ask: Callable[[T], Query | BadInput]) -> list[BatchFactory]:
    def batch(start: int) -> BatchFactory:
        return lambda: [ask(thing) for thing in things[start : start + BATCH]]

    return [batch(start) for start in range(0, len(things), BATCH)]


def _asked(picture: LabelledPicture, max_bytes: int) -> Query | BadInput:
    try:
        return picture_query(picture, max_bytes)
    except BadInput as error:
        return error


def _answers(
    lane: EmbeddingClient, model: str, batches: Sequence[BatchFactory]
) -> Iterator[QueryAnswer]:
    """Yield an answer for each query of each batch, in order. Closing the iterator cancels the remaining batches."""

    def ask(batch: BatchFactory) -> list[QueryAnswer]:
        made = batch()
        queries = [one for one in made if isinstance(one, Query)]
        told = iter(lane.embed_many(model, queries, timeout=BATCH_TIMEOUT) if queries else [])
        return [next(told) if isinstance(one, Query) else one for one in made]

    pool = ThreadPoolExecutor(CONCURRENT_BATCHES, thread_name_prefix="evaluate")
    try:
        for answers in pool.map(ask, batches):
            yield from answers
    finally:
        pool.shutdown(cancel_futures=True)


def _stacked(found: Sequence[QueryVector]) -> NDArray[np.float32]:
    return np.stack([one.vector for one in found]) if found else np.zeros((0, 0), np.float32)


def _space(found: Sequence[QueryVector]) -> EmbeddingSpace | None:
    """Return the space shared by all vectors. Raises `SpaceMismatch` if there are several."""
    spaces = sorted({one.space for one in found}, key=str)
    if len(spaces) > 1:
        one, other = spaces[:2]
        raise SpaceMismatch(
            f"The workers of model {one.model} embed differently ({one.revision} and {other.revision}, "
            f"{one.policy} and {other.policy}).",
            hint="Evaluate with workers that run the same weights and settings.",
        )
    return spaces[0] if spaces else None
