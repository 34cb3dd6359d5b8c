"""The query lane's end in the worker: questions in, their vectors out, ahead of bulk batches.

    taken from Redis -> fetch thread -> decoder's thread -> batcher -> answering thread -> answered in Redis

A group's questions walk together, each at its own pace, and each has its own outcome. What its asker no longer waits for
is given up: before it is decoded, or before it gets into a batch.
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
    """Answers questions; safe to use from many task threads."""

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
        """Answer a group of questions, their names separated by commas, or refuse them in words.

        How many were answered, how many refused, and how many dropped because their asker had gone.
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
        except Exception as error:  # noqa: BLE001 - it belongs to the one question
            failed: Vector = Future()
            failed.set_exception(error)
            return failed

    def _as_they_come(self, walks: dict[Vector, InboxQuestion]) -> Iterable[dict[str, QueryAnswer]]:
        """The answers that come in time; what does not is given up."""
        until = max((one.until for one in walks.values()), default=0.0)
        # Not `concurrent.futures.wait`, which never hears of a future that was cancelled and not asked for after.
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

    # --- what is begun for each kind ---------------------------------------------------------------

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
        """What the model takes as ready pixels: [3, height, width]; None where it takes its pictures otherwise."""
        inputs = self._stages.model.preprocess(Image.new("RGB", (64, 64)))
        shape = inputs["pixel_values"].shape
        return shape if set(inputs) == {"pixel_values"} and len(shape) == 3 == shape[0] else None

    def _other_pixels(self, given: tuple[int, ...]) -> BadInput:
        name = self._stages.model.name
        if self._pixel_shape is None:
            return BadInput(
                f"The model {name} takes no ready pixels.", hint="Send pictures or their URLs."
            )
        return BadInput(
            f"The model {name} takes pixels of shape {list(self._pixel_shape)}, not {list(given)}."
        )


def _taken_from(ended: SimpleQueue[Vector], seconds: float) -> list[Vector]:
    """What has ended by now, or else the next to end within so many seconds; empty where none does."""
    came: list[Vector] = []
    with suppress(Empty):
        came.append(ended.get(timeout=max(0.0, seconds)))
        while True:
            came.append(ended.get_nowait())
    return came
