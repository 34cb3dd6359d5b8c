"""Two workers with different models on one collection: it belongs to one embedding space, and the
other model is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.faults.harness.environment import COLLECTION, Rig, items, rig
from tests.faults.harness.picture_host import Host
from tests.faults.harness.promise import at_least, at_most
from tests.faults.harness.tally import Tally
from vitrine.core.types import FailureReason

OTHER = "timed-64-in-10ms"
MODELS = ("builtin", OTHER)
_PREFIX = {"builtin": "item", OTHER: "other"}
"""The two jobs use different item names, so that neither's points can stand in for the other's."""


def one_after_the_other(folder: Path, *, pictures: int) -> Tally:
    """Run the second model's job after the first has created the collection."""
    with Host() as host, rig(folder, [host.address]) as parts:
        _start(parts)
        jobs = {}
        for model in MODELS:
            jobs[model] = _submit(parts, host, model, pictures)
            parts.finish(jobs[model], parts.restart_if_dead)
        return _count(parts, jobs, "builtin", "another model's job on a collection")


def at_once(folder: Path, *, pictures: int) -> Tally:
    """Run both jobs on a new collection at the same time: the first to arrive gets it, whichever that is."""
    with Host() as host, rig(folder, [host.address]) as parts:
        _start(parts)
        jobs = {model: _submit(parts, host, model, pictures) for model in MODELS}
        for job in jobs.values():
            parts.finish(job, parts.restart_if_dead)
        winner = max(MODELS, key=lambda model: parts.status(jobs[model]).embedded)
        return _count(parts, jobs, winner, "two models start on a new collection together")


def _start(parts: Rig) -> None:
    for model in MODELS:
        parts.ready(parts.start_worker(VITRINE_MODEL=model))


def _submit(parts: Rig, host: Host, model: str, pictures: int) -> str:
    made = items(pictures, host.url, prefix=_PREFIX[model])
    return parts.submit(made, model=model)


def _count(parts: Rig, jobs: Mapping[str, str], winner: str, fault: str) -> Tally:
    statuses = {model: parts.status(job) for model, job in jobs.items()}
    points = list(parts.store.scroll(COLLECTION, with_vectors=False))
    wanted = {f"{_PREFIX[winner]}-{n}" for n in range(statuses[winner].images)}
    (loser,) = set(MODELS) - {winner}
    unlike = sum(point.payload["provenance"]["model"] != winner for point in points)
    refused = _refused_by_name(parts, jobs[loser])
    counted = Tally(
        fault=fault,
        times=1,
        put_in=sum(status.images for status in statuses.values()),
        out=sum(status.embedded + status.failed for status in statuses.values()),
        lost=sum(status.pending for status in statuses.values()),
        doubled=parts.doubled(),
        wrong=unlike
        + len(wanted ^ {point.payload["item_id"] for point in points})
        + statuses[loser].images
        - refused,
    )
    return counted.promising(
        at_least("pictures refused with both models' names", statuses[loser].images, refused),
        at_most("points of the other model", 0, unlike),
    )


def _refused_by_name(parts: Rig, job: str) -> int:
    """Count the pictures whose failure names both models."""
    with parts.ledger() as ledger:
        return sum(
            failure.reason is FailureReason.STORE_REJECTED
            and all(model in (failure.detail or "") for model in MODELS)
            for failure in ledger.failures(job)
        )
