"""The query lane's end in the worker: one question in, its vector out, ahead of bulk batches."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from redis import Redis

from vitrine import query_lane
from vitrine.contracts import ItemFailure
from vitrine.errors import BadInput, ModelUnavailable, VitrineError
from vitrine.query_lane import Query
from workers.batching import Lane
from workers.fetch.fetched import Fetched
from workers.stages import Stages

log = logging.getLogger(__name__)


class QueryWorker:
    """Answers questions; safe to use from many task threads."""

    def __init__(self, redis: Redis, stages: Stages) -> None:
        self._redis = redis
        self._stages = stages
        self._embed: dict[str, Callable[[bytes], NDArray[np.float32]]] = {
            "image": self._image,
            "url": self._url,
            "text": self._text,
        }

    def answer(self, request: str) -> dict[str, str]:
        """Answer the question, or refuse it in words; nothing where its asker has gone."""
        query = query_lane.take(self._redis, request)
        if query is None:
            return {"dropped": "expired"}
        try:
            vector = self._vector(query)
        except VitrineError as error:
            query_lane.refuse(self._redis, request, error)
            return {"refused": error.code}
        query_lane.answer(self._redis, request, vector, self._stages.space)
        return {"answered": query.kind}

    def _vector(self, query: Query) -> NDArray[np.float32]:
        try:
            return self._embed[query.kind](query.data)
        except ItemFailure as failure:
            raise BadInput(
                f"The query picture could not be used ({failure.reason}): {failure.detail}."
            ) from failure
        except VitrineError:
            raise
        except Exception as error:
            log.exception("a query failed")
            raise ModelUnavailable("The worker could not answer this query.") from error

    def _image(self, data: bytes) -> NDArray[np.float32]:
        return self._prepared(Fetched(data=data, url="", status=200))

    def _prepared(self, fetched: Fetched) -> NDArray[np.float32]:
        prepared = self._stages.prepare(fetched, lane=Lane.QUERY).result()
        return self._stages.batcher.submit(prepared.inputs, lane=Lane.QUERY).result()

    def _url(self, data: bytes) -> NDArray[np.float32]:
        return self._prepared(self._stages.fetcher.fetch(data.decode()).result())

    def _text(self, data: bytes) -> NDArray[np.float32]:
        if not self._stages.model.supports_text:
            name = self._stages.model.name
            raise BadInput(f"The model {name} has no text tower, so it cannot embed words.")
        return self._stages.batcher.submit_text(data.decode()).result()
