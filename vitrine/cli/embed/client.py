"""Embedding pictures and words over the API, with a separate outcome for each."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine.cli.common.api_retry import REQUEST_SECONDS, in_groups, retry_while_full
from vitrine.client import ApiClient
from vitrine.core.schemes import is_allowed_in_requests


@dataclass(frozen=True, slots=True)
class EmbedInput:
    """A picture or words: as given by the user, and as sent to the API."""

    name: str
    body: dict[str, str]
    problem: str | None = None

    @property
    def size(self) -> int:
        """Approximate bytes of the body."""
        return sum(len(value) for value in self.body.values()) + 64


@dataclass(frozen=True, slots=True)
class EmbedOutcome:
    """The outcome of one input: a unit vector, float32 [dimension], or why there is none."""

    name: str
    vector: NDArray[np.float32] | None
    error: str | None


def picture_input(given: str, most: int) -> EmbedInput:
    """Return the input for a URL, or for a file of at most `most` bytes, which is read now."""
    if is_allowed_in_requests(given):
        return EmbedInput(given, {"image_url": given})
    try:
        with Path(given).expanduser().open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        return EmbedInput(given, {}, f"it cannot be read: {(error.strerror or str(error)).lower()}")
    if len(data) > most:
        return EmbedInput(given, {}, f"it has more than {most} bytes")
    return EmbedInput(given, {"image_base64": base64.b64encode(data).decode()})


def text_input(text: str) -> EmbedInput:
    """Return the input for words; the model needs a text tower."""
    return EmbedInput(text, {"text": text})


def embed_inputs(
    client: ApiClient, given: Iterable[EmbedInput], batch_size: int, options: dict[str, Any]
) -> Iterator[EmbedOutcome]:
    """Yield the outcomes in input order; `options` go into every request. Raises a `VitrineError` if a request fails."""
    for group in in_groups(given, batch_size, lambda one: one.size):
        sent = [one for one in group if one.problem is None]
        told = iter(_asked(client, sent, options))
        for one in group:
            yield (
                EmbedOutcome(one.name, None, one.problem)
                if one.problem
                else _outcome(one, next(told))
            )


def _asked(
    client: ApiClient, sent: Sequence[EmbedInput], options: dict[str, Any]
) -> list[dict[str, Any]]:
    if not sent:
        return []
    body = {
        "inputs": [one.body for one in sent],
        "encoding": "base64",
        "timeout": REQUEST_SECONDS,
        **options,
    }
    told: dict[str, Any] = retry_while_full(lambda: client.embed(body))
    results: list[dict[str, Any]] = told["results"]
    return results


def _outcome(given: EmbedInput, told: dict[str, Any]) -> EmbedOutcome:
    error = told["error"]
    if error is not None:
        return EmbedOutcome(given.name, None, f"{error['code']}: {error['message']}")
    vector = np.frombuffer(base64.b64decode(told["embedding"]), "<f4")
    return EmbedOutcome(given.name, vector.astype(np.float32, copy=False), None)
