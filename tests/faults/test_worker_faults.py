"""Workers die, freeze and stop; the counts stay exact.

Each run kills thirty workers in total. The work that a kill wastes is bounded here by what a worker holds; its share of
a job is checked in a long one, by `make chaos`, because many kills in a small job make the share arbitrarily large.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import worker_faults
from vitrine.core.settings import Settings
from vitrine.core.types import CHUNK_SIZE

pytestmark = [pytest.mark.e2e]
KILLS = 25


def test_no_picture_is_lost_or_done_wrong_when_workers_are_killed(tmp_path: Path) -> None:
    tally = worker_faults.killed(tmp_path, kills=KILLS)
    assert tally.exact, tally
    assert tally.times == KILLS
    assert len(tally.recoveries) > 0, "no worker died with a chunk in its hands"
    holds = Settings().ingest_threads * CHUNK_SIZE
    assert tally.doubled <= (tally.fetched_again or 0) <= KILLS * holds


def test_a_message_that_the_broker_lost_is_sent_again(tmp_path: Path) -> None:
    tally = worker_faults.lost_message(tmp_path)
    assert tally.exact, tally
    assert tally.times == 1, "the broker lost no message"


def test_a_worker_that_is_asked_to_stop_loses_nothing_and_does_nothing_twice(
    tmp_path: Path,
) -> None:
    tally, codes = worker_faults.asked_to_stop(tmp_path, stops=3)
    assert tally.exact, tally
    assert tally.doubled == 0
    assert codes == [0] * 3


@pytest.mark.parametrize("fault", ["after-upsert", "before-acknowledge"])
def test_a_death_between_two_steps_of_a_chunk_s_end_counts_nothing_twice(
    tmp_path: Path, fault: str
) -> None:
    tally = worker_faults.killed_between(tmp_path, fault, pictures=800, deaths=2)
    assert tally.exact, tally
    assert tally.times == 2
