"""The query lane: pictures or texts in, unit vectors out, computed by the same workers that ingest.

A query's bytes are stored in Redis under a key with a short expiry, and the message carries only the key's name.
The worker pushes the answer to a list that the client blocks on. Both expire automatically, so an abandoned query
leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Sequence

from redis import Redis

from vitrine.core.errors import BadInput, ModelUnavailable, VitrineError
from vitrine.core.redis_client import connect_redis, redis_errors
from vitrine.core.settings import Settings
from vitrine.messaging import worker_registry, worker_stats
from vitrine.messaging.broker import Publisher
from vitrine.query.call import EXPIRY_MARGIN, QueryCall
from vitrine.query.protocol import Query, QueryAnswer, QueryKind, QueryVector, UnusablePicture

__all__ = ["Query", "QueryAnswer", "QueryClient", "QueryKind", "QueryVector", "UnusablePicture"]


class QueryClient:
    """The client side of the query lane. Safe to use from several threads."""

    def __init__(self, redis: Redis, publisher: Publisher, *, timeout: float) -> None:
        self._redis = redis
        self._publisher = publisher
        self._timeout = timeout

    @classmethod
    def open(cls, settings: Settings) -> QueryClient:
        """Return a client for the Redis in the settings."""
        # A blocking pop waits as long as the query may take, so the socket must not time out earlier.
        redis = connect_redis(
            settings.redis_url.get_secret_value(),
            socket_timeout=settings.query_timeout + EXPIRY_MARGIN,
        )
        return cls(redis, Publisher(settings), timeout=settings.query_timeout)

    def workers(self, model: str | None = None) -> list[worker_registry.WorkerInfo]:
        """Return the live workers. Raises `LedgerUnavailable`."""
        with redis_errors():
            return worker_registry.live_workers(self._redis, model)

    def in_stages(self, job: str) -> dict[str, int]:
        """Return how many of a job's pictures are in each stage, as workers reported in the last few seconds.

        Raises `LedgerUnavailable`.
        """
        with redis_errors():
            crew = worker_registry.live_workers(self._redis)
            told = worker_stats.read_stats(self._redis, [worker.node for worker in crew])
        return worker_stats.images_in_stages(told.values(), job)

    def embed(self, model: str, query: Query, *, timeout: float | None = None) -> QueryVector:
        """Let a worker embed one query.

        Raises `BadInput` if the picture (`UnusablePicture`), URL, text or tensor cannot be embedded,
        `ModelUnavailable` if no worker for the model is running or none answers in time, and `LedgerUnavailable`
        if Redis is unavailable.
        """
        (answer,) = self.embed_many(model, [query], timeout=timeout)
        if isinstance(answer, VitrineError):
            raise answer
        return answer

    def embed_many(
        self, model: str, queries: Sequence[Query], *, timeout: float | None = None
    ) -> list[QueryAnswer]:
        """Let the workers embed the queries within `timeout` seconds in total (default: the timeout of one query).

        Returns one answer per query, in order: a vector, or the error that `embed` would raise for it, so that one
        query never fails the others. Raises `ModelUnavailable` if no worker for the model is running, and
        `LedgerUnavailable` if Redis is unavailable.
        """
        workers = self.workers(model)
        if not workers:
            raise no_worker_error(model)
        told: dict[int, QueryAnswer] = {}
        if not any(worker.supports_text for worker in workers):
            told = {
                number: no_text_tower_error(model)
                for number, one in enumerate(queries)
                if one.kind == "text"
            }
        asked = {number: one for number, one in enumerate(queries) if number not in told}
        seconds = self._timeout if timeout is None else timeout
        with redis_errors():
            call = QueryCall(
                self._redis, self._publisher, model, timeout=seconds, poll=self._timeout
            )
            told |= call.run(asked)
        return [told[number] for number in range(len(queries))]

    def close(self) -> None:
        """Close the connections."""
        self._publisher.close()
        self._redis.close()


def no_worker_error(model: str) -> ModelUnavailable:
    """Return the error for a model without a running worker."""
    return ModelUnavailable(
        f"No worker for the model {model} is running.",
        hint=f"Start one: vitrine worker --model {model}",
    )


def no_text_tower_error(model: str) -> BadInput:
    """Return the error for a text query to a model that embeds only pictures."""
    return BadInput(
        f"Model {model} understands pictures only, not text.",
        hint="Search by picture, or use SigLIP or CLIP to search by words.",
    )
