from __future__ import annotations

import logging
import threading

import pytest

from tests.patience import PATIENCE
from vitrine.core.errors import LedgerUnavailable
from workers.maintenance.periodic import Periodic


def test_an_error_does_not_end_it_and_closing_does(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []
    enough = threading.Event()

    def action() -> None:
        calls.append(len(calls))
        if len(calls) >= 3:
            enough.set()
        raise ValueError("this time")

    periodic = Periodic("trial", 0.001, action)
    with caplog.at_level(logging.ERROR):
        periodic.start()
        assert enough.wait(PATIENCE)
        periodic.close()
    seen = len(calls)
    periodic.close()
    assert len(calls) == seen >= 3
    assert "trial failed; it will run again" in caplog.text


def test_what_is_away_is_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    called = threading.Event()

    def action() -> None:
        called.set()
        raise LedgerUnavailable("Redis does not answer.")

    periodic = Periodic("the trial", 0.001, action)
    with caplog.at_level(logging.WARNING):
        periodic.start()
        assert called.wait(PATIENCE)
        periodic.close()
    assert "the trial is postponed: Redis does not answer." in caplog.text
    assert all(record.exc_info is None for record in caplog.records)


def test_the_first_call_comes_at_once_where_that_is_asked_for() -> None:
    called = threading.Event()
    periodic = Periodic("the trial", 3600.0, called.set, at_once=True)
    periodic.start()
    assert called.wait(PATIENCE)
    periodic.close()
