"""A model by the name that a dialect's client calls it: an alias of the settings, or a model's canonical name.

Clients of other systems bring their own names (`siglip`, an endpoint's id). `VITRINE_MODEL_ALIASES` says which
model each of them means; every model is also known by its own name.
"""

from __future__ import annotations

from dataclasses import dataclass

from api.dependencies import Services
from vitrine.core.errors import ModelUnavailable, NotFound
from vitrine.core.types import model_name
from vitrine.messaging.worker_registry import WorkerInfo

MAX_NAMED = 20
"""Models that a 404 lists; more would be no help."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that is known here, with its workers: none where it is known but not running."""

    name: str  #: As the client called it.
    model: str  #: Its canonical name.
    workers: tuple[WorkerInfo, ...]

    def worker(self) -> WorkerInfo:
        """One of the workers; raises `ModelUnavailable` where there is none."""
        if not self.workers:
            raise ModelUnavailable(
                f"No worker for the model {self.model} is running.",
                hint=f"Start one: vitrine worker --model {self.model}",
            )
        return self.workers[0]


def find_model(parts: Services, name: str) -> ServedModel:
    """The model of that name.

    Raises `NotFound` naming those there are, `LedgerUnavailable` without Redis.
    """
    alias = parts.settings.model_aliases.get(name)
    model = canonical_name(name) if alias is None else model_name(alias)
    crew = parts.query_client.workers()
    workers = tuple(worker for worker in crew if worker.model == model)
    if not workers and alias is None and model != model_name(parts.settings.model):
        raise NotFound(f"There is no model {name[:200]} here.", hint=_those(parts, crew))
    return ServedModel(name, model, workers)


def canonical_name(name: str) -> str:
    """A client's name for a model as a worker would call it: a hub id's `/` is `--`, letters are small.

    Unlike `vitrine.core.types.model_name` it never looks whether there is such a directory here.
    """
    return name.strip("/").replace("/", "--").lower()


def running_names(parts: Services) -> list[str]:
    """Every name under which a running model is known, in order."""
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
