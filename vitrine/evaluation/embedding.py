"""Pictures and words to vectors through the query lane: by the very workers that embed the catalog.

Two batches are under way at once, so that the worker has the next one while an answer is read; they go before bulk
work, as every question does.
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
"""Seconds for a batch: a large model on a CPU takes four for each of its pictures, and may be asked by others too."""


class EmbeddingClient(Protocol):
    """The part of `vitrine.query.client.QueryClient` that is needed here."""

    def embed_many(
        self, model: str, queries: Sequence[Query], *, timeout: float | None = None
    ) -> list[QueryAnswer]:
        """A vector or an error for each question."""


@dataclass(frozen=True, slots=True)
class EmbeddedSample:
    """Pictures that got a vector, in their order, and those that did not with why."""

    pictures: tuple[LabelledPicture, ...]
    vectors: NDArray[np.float32]  #: [n, dimension].
    space: EmbeddingSpace | None  #: None where no picture got a vector.
    failures: tuple[tuple[LabelledPicture, str], ...]


def embed_pictures(
    lane: EmbeddingClient,
    model: str,
    pictures: Sequence[LabelledPicture],
    *,
    max_bytes: int,
    on_progress: Callable[[int], None] = lambda _: None,
) -> EmbeddedSample:
    """Have every picture embedded; one that cannot be is a failure of its own.

    `on_progress` is told how many more are through. Raises `ModelUnavailable` where no worker answers, and
    `SpaceMismatch` where workers of different spaces do.
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
            raise answer  # The worker's trouble, not the picture's.
        on_progress(1)
    return EmbeddedSample(tuple(kept), _stacked(found), _space(found), tuple(failures))


def embed_texts(lane: EmbeddingClient, model: str, texts: Sequence[str]) -> NDArray[np.float32]:
    """Unit vectors, float32 [n, dimension]; raises `BadInput` where the model has no text tower."""
    found: list[QueryVector] = []
    questions = _batches(texts, lambda text: Query("text", text.encode()))
    for answer in _answers(lane, model, questions):
        if isinstance(answer, VitrineError):
            raise answer
        found.append(answer)
    return _stacked(found)


def picture_query(picture: LabelledPicture, max_bytes: int) -> Query:
    """A picture as the lane asks it: a file by its bytes, anything else by its URL; raises `BadInput`."""
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
"""Makes a batch's questions when it is its turn: files are not read long before they are sent."""


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
    """An answer for each question of each batch, in order; whoever stops listening stops the asking."""

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
    """The space that all are in; raises `SpaceMismatch` where they are in several."""
    spaces = sorted({one.space for one in found}, key=str)
    if len(spaces) > 1:
        one, other = spaces[:2]
        raise SpaceMismatch(
            f"The workers of model {one.model} embed differently ({one.revision} and {other.revision}, "
            f"{one.policy} and {other.policy}).",
            hint="Evaluate with workers that run the same weights and settings.",
        )
    return spaces[0] if spaces else None
