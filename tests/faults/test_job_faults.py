"""Jobs that are cancelled, retried, or left by their producer midway."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import job_faults

pytestmark = [pytest.mark.e2e]


def test_nothing_is_written_once_a_job_is_cancelled(tmp_path: Path) -> None:
    tally, after = job_faults.cancelled(tmp_path, pictures=6000)
    assert tally.exact, tally
    assert after == 0
    assert tally.doubled == 0


def test_only_what_was_asked_for_is_retried(tmp_path: Path) -> None:
    tally, again = job_faults.retried(tmp_path, pictures=600)
    assert tally.exact, tally
    assert again == ["57", "7"]


@pytest.mark.parametrize(
    ("pictures", "kills"), [(5000, 2), pytest.param(10_000, 4, marks=pytest.mark.long)]
)
def test_a_killed_producers_job_is_resumed_and_complete(
    tmp_path: Path, pictures: int, kills: int
) -> None:
    # A producer writes 1,024 pictures per step: two steps before a kill must not exhaust the catalog.
    tally = job_faults.producer_killed(tmp_path, pictures=pictures, kills=kills)
    assert tally.exact, tally
    assert (tally.put_in, tally.doubled) == (pictures, 0)
