"""Translates a task's report into a Celery result: Flower shows a chunk that was given back as a retry, with the reason.

Such a chunk is neither a success nor a failure: its pictures stay in the ledger, and the sweeper sends it again when it
is due. The message itself is acknowledged, and Celery sends no new one. A dead-lettered message is a failure, because
somebody has to look at it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from celery.exceptions import Retry

from workers.ingest.chunk_worker import STORE_AWAY, Report


class ChunkReturned(Exception):
    """The reason why a chunk was given back to the ledger undone."""


class MessageDeadLettered(Exception):
    """A message of an unknown form or schema version, which is now stored in Redis."""


def task_result(report: Report) -> Report:
    """Return the report as the task's result; raises Celery's `Retry` for a chunk that was given back, or `MessageDeadLettered`."""
    if "parked" in report:
        raise MessageDeadLettered(report["parked"])
    why = report.get("given_back")
    if why is None:
        return report
    due = datetime.now(UTC) + timedelta(seconds=STORE_AWAY)
    raise Retry(f"returned to the queue: {why}", exc=ChunkReturned(why), when=due)
