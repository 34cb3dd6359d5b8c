"""Whether a worker serves a model, and the sentence for a person where none does, or where it cannot store."""

from __future__ import annotations

import shlex

from vitrine.cli.common import services
from vitrine.core.errors import VitrineError
from vitrine.core.settings import Settings
from vitrine.core.types import JobSpec


def is_served(settings: Settings, model: str) -> bool:
    """Whether a worker of the model is alive; a ledger that does not answer is not taken for a missing worker."""
    try:
        return services.count_workers(settings, model) > 0
    except VitrineError:
        return True


def no_worker_notice(settings: Settings, spec: JobSpec) -> str | None:
    """What to do where no worker serves the job's model; None where one does."""
    if is_served(settings, spec.model):
        return None
    model = spec.asked_model or spec.model
    command = f"vitrine worker --model {shlex.quote(model)}"
    return f"No worker of the model {model} is alive, so the job waits; start one: {command}"


def store_away_notice(settings: Settings, spec: JobSpec) -> str | None:
    """That the store does not answer the job's workers, and why; None where it does, or nobody can tell."""
    try:
        crew = services.workers_of(settings, spec.model)
    except VitrineError:
        return None
    for worker in crew:
        if worker.store_away is not None:
            return f"worker {worker.node}: {worker.store_away.sentence()}; it goes on once the store is back"
    return None
