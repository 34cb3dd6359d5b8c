"""Embedding for all routes: each distinct query is embedded once, and all vectors of a request belong to one space."""

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


@dataclass(frozen=True, slots=True)
class EmbeddedAnswers:
    """The answers in the order of the queries, and the space of all vectors."""

    answers: list[QueryAnswer]
    space: EmbeddingSpace

    @property
    def failed(self) -> int:
        """The number of answers without a vector."""
        return sum(not isinstance(answer, QueryVector) for answer in self.answers)


def choose_model(parts: Services, name: str | None) -> ServedModel:
    """Return the model of that name; without a name, the settings' model if it runs, otherwise the only running one.

    Raises `NotFound` for an unknown name, `ModelUnavailable` if no model runs, `BadInput` if several others run.
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
    """Embed the queries within `timeout` seconds in total; a query that fails does not affect the others.

    Raises `ModelUnavailable` if no worker runs the model, `SpaceMismatch` if its workers return vectors of different
    spaces, `LedgerUnavailable` if Redis is unreachable.
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
            hint="Wait until all of them run one revision and one image policy.",
        )
    return next(iter(spaces), None)
