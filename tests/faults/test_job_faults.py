"""Jobs cancelled and retried in the middle of things."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import job_faults

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_nothing_is_written_once_a_job_is_cancelled(tmp_path: Path) -> None:
    tally, after = job_faults.cancelled(tmp_path, pictures=6000)
    assert tally.exact, tally
    assert after == 0
    assert tally.doubled == 0


def test_only_what_was_asked_for_is_retried(tmp_path: Path) -> None:
    tally, again = job_faults.retried(tmp_path, pictures=600)
    assert tally.exact, tally
    assert again == ["57", "7"]
