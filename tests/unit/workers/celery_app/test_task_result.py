"""The result of a chunk's task in Celery, which Flower displays."""

from __future__ import annotations

import pytest
from celery.exceptions import Retry

from workers.celery_app.task_result import ChunkReturned, MessageDeadLettered, task_result


def test_a_chunk_that_was_done_or_refused_is_a_result() -> None:
    for report in ({"embedded": 3, "failed": 1, "put_off": 0}, {"refused": "leased"}):
        assert task_result(dict(report)) == report


def test_a_chunk_that_was_given_back_is_a_retry_with_its_reason() -> None:
    with pytest.raises(Retry, match="store_unavailable") as caught:
        task_result({"given_back": "store_unavailable"})
    # Celery puts this into the event that Flower shows.
    assert isinstance(caught.value.exc, ChunkReturned)
    assert "store_unavailable" in repr(caught.value.exc)


def test_a_parked_message_is_told_as_a_failure() -> None:
    with pytest.raises(MessageDeadLettered, match="chunk 9 job 7"):
        task_result({"parked": "chunk 9 job 7"})
