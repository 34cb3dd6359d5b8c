"""Look-up of models by the names that clients use: an alias from the settings, or a canonical name.

Clients of other systems use their own names (`siglip`, an endpoint's id). `VITRINE_MODEL_ALIASES` maps them to
models; every model is also known by its canonical name.
"""

from __future__ import annotations

from dataclasses import dataclass

from api.dependencies import Services
from vitrine.core.errors import ModelUnavailable, NotFound
from vitrine.core.types import model_name
from vitrine.messaging.worker_registry import WorkerInfo

MAX_NAMED = 20
"""Models that a 404 lists; more would not help."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A known model with its workers; it has none if it is known but not running."""

    name: str  #: The name that the client used.
    model: str  #: Its canonical name.
    workers: tuple[WorkerInfo, ...]

    def worker(self) -> WorkerInfo:
        """Return one of the workers; raise `ModelUnavailable` if there is none."""
        if not self.workers:
            raise ModelUnavailable(
                f"No worker for the model {self.model} is running.",
                hint=f"Start one: vitrine worker --model {self.model}",
            )
        return self.workers[0]


def find_model(parts: Services, name: str) -> ServedModel:
    """Return the model of that name.

    Raises `NotFound` with the names of the running models, `LedgerUnavailable` if Redis is unreachable.
    """
    alias = parts.settings.model_aliases.get(name)
    model = canonical_name(name) if alias is None else model_name(alias)
    crew = parts.query_client.workers()
    workers = tuple(worker for worker in crew if worker.model == model)
    if not workers and alias is None and model != model_name(parts.settings.model):
        raise NotFound(f"There is no model {name[:200]} here.", hint=_those(parts, crew))
    return ServedModel(name, model, workers)


def canonical_name(name: str) -> str:
    """Return a client's name for a model in the workers' form: in lower case, with a hub id's `/` as `--`.

    Unlike `vitrine.core.types.model_name`, it never checks for a local directory of that name.
    """
    return name.strip("/").replace("/", "--").lower()


def running_names(parts: Services) -> list[str]:
    """Return all names of the running models, aliases included, sorted."""
    return _known(parts, parts.query_client.workers())


def _known(parts: Services, crew: list[WorkerInfo]) -> list[str]:
    running = {worker.model for worker in crew}
    aliases = {
        alias
        for alias, model in parts.settings.model_aliases.items()
        if model_name(model) in running
    }
    return sorted(running | aliases)


def _those(parts: Services, crew: list[WorkerInfo]) -> str:
    found = _known(parts, crew)
    if not found:
        return "No worker is running; start one: vitrine worker --model MODEL"
    more = f" and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
    return f"These are running: {', '.join(found[:MAX_NAMED])}{more}."
