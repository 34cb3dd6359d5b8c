"""How a chunk that could not be done is told to Celery, and so to Flower: as a retry, with the reason.

It is no success, and no failure either: its pictures stay in the ledger, and the sweeper sends it again when it is due.
The message itself is acknowledged; no other is made of it. A message that was parked is a failure: somebody has to look.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from celery.exceptions import Retry

from workers.ingest.chunk_worker import STORE_AWAY, Report


class ChunkReturned(Exception):
    """Why a chunk goes back to the ledger undone."""


class MessageDeadLettered(Exception):
    """A message of an unknown form or schema version, which lies in Redis now."""


def task_result(report: Report) -> Report:
    """The report, as the task's result; raises Celery's `Retry` for a chunk that was given back, and `MessageDeadLettered`."""
    if "parked" in report:
        raise MessageDeadLettered(report["parked"])
    why = report.get("given_back")
    if why is None:
        return report
    due = datetime.now(UTC) + timedelta(seconds=STORE_AWAY)
    raise Retry(f"given back: {why}", exc=ChunkReturned(why), when=due)
