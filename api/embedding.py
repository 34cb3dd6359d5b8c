"""Questions in, vectors out, for every route that embeds: equal questions are asked once, and all answers are of one space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.dependencies import Services
from api.requests.image_inputs import Asked
from api.requests.model_names import ServedModel, find_model
from vitrine.core.errors import BadInput, ModelUnavailable, SpaceMismatch
from vitrine.core.types import model_name
from vitrine.query.client import Query, QueryAnswer, QueryVector
from vitrine.store import EmbeddingSpace

LONGEST = 300.0
"""Seconds that a client may wait for the vectors of one request."""


@dataclass(frozen=True, slots=True)
class EmbeddedAnswers:
    """The answers in the questions' order, and the space of all their vectors."""

    answers: list[QueryAnswer]
    space: EmbeddingSpace

    @property
    def failed(self) -> int:
        """How many have no vector."""
        return sum(not isinstance(answer, QueryVector) for answer in self.answers)


def choose_model(parts: Services, name: str | None) -> ServedModel:
    """The model of that name; without one the only model that runs, or the one of the settings among several.

    Raises `NotFound` for a name that there is not, `ModelUnavailable` where none runs, `BadInput` where several do.
    """
    if name is not None:
        return find_model(parts, name)
    crew = parts.query_client.workers()
    running = sorted({worker.model for worker in crew})
    usual = model_name(parts.settings.model)
    if not running:
        raise ModelUnavailable(
            "No worker is running.", hint=f"Start one: vitrine worker --model {usual}"
        )
    if len(running) > 1 and usual not in running:
        raise BadInput(
            "Several models are running.", hint=f"Name one in `model`: {', '.join(running[:20])}."
        )
    model = usual if usual in running else running[0]
    return ServedModel(model, model, tuple(worker for worker in crew if worker.model == model))


def embed_questions(
    parts: Services, model: ServedModel, asked: Sequence[Asked], *, timeout: float | None = None
) -> EmbeddedAnswers:
    """Have the questions embedded within `timeout` seconds for all; one that fails fails no other.

    Raises `ModelUnavailable` where no worker has the model, `SpaceMismatch` where its workers give vectors that
    cannot be compared, `LedgerUnavailable` without Redis.
    """
    worker = model.worker()
    questions = list(dict.fromkeys(one for one in asked if isinstance(one, Query)))
    answers = parts.query_client.embed_many(worker.model, questions, timeout=timeout)
    found = dict(zip(questions, answers, strict=True))
    told: list[QueryAnswer] = [found[one] if isinstance(one, Query) else one for one in asked]
    return EmbeddedAnswers(told, _space(told) or worker.space)


def _space(answers: Sequence[QueryAnswer]) -> EmbeddingSpace | None:
    spaces = {answer.space for answer in answers if isinstance(answer, QueryVector)}
    if len(spaces) > 1:
        names = " and ".join(sorted(f"{one.revision}/{one.policy}" for one in spaces))
        raise SpaceMismatch(
            f"The workers of one model embed into different spaces ({names}).",
            hint="Wait until all of them are of one revision and one image policy.",
        )
    return next(iter(spaces), None)
