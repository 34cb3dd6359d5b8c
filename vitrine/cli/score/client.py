"""Scoring pairs over the API: several per request, with retries while the API is full."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from vitrine.cli.common.api_retry import REQUEST_SECONDS, in_groups, retry_while_full
from vitrine.cli.score.pairs import ScorePair
from vitrine.client import ApiClient
from vitrine.core.types import RejectedRow


@dataclass(frozen=True, slots=True)
class ScoredPair:
    """A pair's outcome: its scores, or why there are none."""

    pair: ScorePair
    clip_score: float | None = None
    probability: float | None = None
    error: str | None = None


class Scorer:
    """Scores pairs with one model."""

    def __init__(
        self, client: ApiClient, model: str | None, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._model = model
        self._pause = pause

    def __call__(self, pairs: Sequence[ScorePair], *, fresh: bool = False) -> list[ScoredPair]:
        """Return the outcomes in the pairs' order; `fresh` embeds even pictures that the worker has cached.

        Raises a `VitrineError` if the request fails.
        """
        sent = [pair for pair in pairs if pair.problem is None]
        told = iter(self._asked(sent, fresh=fresh)) if sent else iter(())
        return [
            _scored(pair, next(told))
            if pair.problem is None
            else ScoredPair(pair, error=pair.problem)
            for pair in pairs
        ]

    def _asked(self, pairs: Sequence[ScorePair], *, fresh: bool) -> list[dict[str, Any]]:
        body: dict[str, Any] = {"pairs": [pair.body for pair in pairs], "timeout": REQUEST_SECONDS}
        if self._model is not None:
            body["model"] = self._model
        if fresh:
            body["fresh"] = True
        told: dict[str, Any] = retry_while_full(lambda: self._client.score(body), pause=self._pause)
        results: list[dict[str, Any]] = told["results"]
        return results


def _scored(pair: ScorePair, told: dict[str, Any]) -> ScoredPair:
    error = told["error"]
    if error is not None:
        return ScoredPair(pair, error=f"{error['part']}: {error['code']}, {error['message']}")
    return ScoredPair(pair, told["clip_score"], told["probability"])


def request_batches(
    pairs: Iterable[ScorePair | RejectedRow], most: int
) -> Iterator[list[ScorePair | RejectedRow]]:
    """Yield rows in groups of up to `most` that fit into one request."""
    return in_groups(pairs, most, lambda one: one.size if isinstance(one, ScorePair) else 0)
