"""Answers queries in the worker: queries in, vectors out, ahead of bulk batches.

    taken from Redis -> fetch thread -> decoder thread -> batcher -> answering thread -> reply in Redis

The queries of a group are processed concurrently, and each has its own outcome. If a client no longer waits, its query is
dropped before it is decoded or before it enters a batch.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from functools import cached_property
from queue import Empty, SimpleQueue

from PIL import Image
from redis import Redis

from vitrine.core.errors import BadInput, ModelUnavailable, VitrineError
from vitrine.core.types import ItemFailure
from vitrine.query.protocol import Query, QueryAnswer, QueryKind, QueryVector, UnusablePicture
from workers.batching import Lane
from workers.fetch.result import FetchedPicture
from workers.query import inbox
from workers.query.futures import then
from workers.query.inbox import InboxQuestion
from workers.stages import PreparedPicture, Stages
from workers.vector_cache.deduplicating import Vector

log = logging.getLogger(__name__)


class QueryWorker:
    """Answers queries. Thread-safe."""

    def __init__(self, redis: Redis, stages: Stages) -> None:
        self._redis = redis
        self._stages = stages
        self._begin: dict[QueryKind, Callable[[Query], Vector]] = {
            "image": self._image,
            "url": self._url,
            "text": self._text,
            "pixels": self._pixels,
        }

    def answer(self, requests: str) -> dict[str, int]:
        """Answer a group of queries, given by their comma-separated names, each with a vector or an error.

        Returns how many were answered, refused, and dropped because their client was gone.
        """
        names = requests.split(",")
        taken = inbox.take_questions(self._redis, names)
        walks = {self._begun(one.query): one for one in taken}
        answered = refused = 0
        for answers in self._as_they_come(walks):
            inbox.send_replies(self._redis, answers)
            good = sum(isinstance(one, QueryVector) for one in answers.values())
            answered, refused = answered + good, refused + len(answers) - good
        dropped = len(names) - answered - refused
        return {"answered": answered, "refused": refused, "dropped": dropped}

    def _begun(self, query: Query) -> Vector:
        try:
            return self._begin[query.kind](query)
        except Exception as error:  # noqa: BLE001 - it must fail only this query
            failed: Vector = Future()
            failed.set_exception(error)
            return failed

    def _as_they_come(self, walks: dict[Vector, InboxQuestion]) -> Iterable[dict[str, QueryAnswer]]:
        """Yield the answers that arrive in time, and cancel the rest."""
        until = max((one.until for one in walks.values()), default=0.0)
        # Not `concurrent.futures.wait`: it does not notice a cancelled future until `set_running_or_notify_cancel`.
        ended: SimpleQueue[Vector] = SimpleQueue()
        for future in walks:
            future.add_done_callback(ended.put)
        left = len(walks)
        while left and (came := _taken_from(ended, until - time.monotonic())):
            left -= len(came)
            yield {
                walks[future].request: self._outcome(future, walks[future].query) for future in came
            }
        for future in walks:
            future.cancel()

    def _outcome(self, future: Vector, query: Query) -> QueryAnswer:
        space = self._stages.grey_space if query.grey else self._stages.space
        try:
            return QueryVector(future.result(), space)
        except ItemFailure as failure:
            return UnusablePicture.of(failure)
        except VitrineError as error:
            return error
        except Exception:
            log.exception("a query failed")
            return ModelUnavailable("The worker could not answer this query.")

    # --- the first step for each kind of query -----------------------------------------------------

    def _image(self, query: Query) -> Vector:
        return self._prepared(FetchedPicture(data=query.data, url="", status=200), query)

    def _url(self, query: Query) -> Vector:
        fetched = self._stages.fetcher.fetch(query.data.decode())
        return then(fetched, lambda fetched: self._prepared(fetched, query))

    def _prepared(self, fetched: FetchedPicture, query: Query) -> Vector:
        prepared = self._stages.prepare(
            fetched, lane=Lane.QUERY, grey=query.grey, fresh=query.fresh, part=query.part
        )
        return then(prepared, self._submitted)

    def _submitted(self, prepared: PreparedPicture) -> Vector:
        future = self._stages.submit(prepared, lane=Lane.QUERY)
        prepared.hold.release()
        return future

    def _text(self, query: Query) -> Vector:
        if not self._stages.model.supports_text:
            name = self._stages.model.name
            raise BadInput(f"The model {name} has no text tower, so it cannot embed words.")
        return self._stages.batcher.submit_text(query.data.decode())

    def _pixels(self, query: Query) -> Vector:
        if query.shape != self._pixel_shape:
            raise self._other_pixels(query.shape)
        return self._stages.batcher.submit({"pixel_values": query.pixels()}, lane=Lane.QUERY)

    @cached_property
    def _pixel_shape(self) -> tuple[int, ...] | None:
        """The shape of preprocessed pixels that the model accepts, [3, height, width]; None if it accepts none."""
        inputs = self._stages.model.preprocess(Image.new("RGB", (64, 64)))
        shape = inputs["pixel_values"].shape
        return shape if set(inputs) == {"pixel_values"} and len(shape) == 3 == shape[0] else None

    def _other_pixels(self, given: tuple[int, ...]) -> BadInput:
        name = self._stages.model.name
        if self._pixel_shape is None:
            return BadInput(
                f"The model {name} does not accept pixels.", hint="Send pictures or their URLs."
            )
        return BadInput(
            f"The model {name} expects pixels of shape {list(self._pixel_shape)}, not {list(given)}."
        )


def _taken_from(ended: SimpleQueue[Vector], seconds: float) -> list[Vector]:
    """Return the futures that have ended, waiting up to `seconds` for the first; empty if none ends in time."""
    came: list[Vector] = []
    with suppress(Empty):
        came.append(ended.get(timeout=max(0.0, seconds)))
        while True:
            came.append(ended.get_nowait())
    return came
