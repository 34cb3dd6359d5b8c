"""Workers die, freeze and stop; the counts stay exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import deaths

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_no_picture_is_lost_or_done_wrong_when_workers_are_killed(tmp_path: Path) -> None:
    tally = deaths.killed(tmp_path, pictures=6000, kills=12)
    assert tally.exact, tally
    assert tally.times >= 10
    assert tally.doubled <= tally.put_in / 100


def test_a_message_that_the_broker_lost_is_sent_again(tmp_path: Path) -> None:
    assert deaths.lost_message(tmp_path).exact


def test_a_worker_that_is_asked_to_stop_loses_nothing_and_does_nothing_twice(
    tmp_path: Path,
) -> None:
    tally, ends = deaths.asked_to_stop(tmp_path, pictures=3000, stops=4)
    assert tally.exact, tally
    assert tally.doubled == 0
    assert [code for code, _ in ends] == [0] * len(ends)
    assert len(ends) >= 3
    assert max(seconds for _, seconds in ends) < 90


@pytest.mark.parametrize("fault", ["after-upsert", "before-acknowledge"])
def test_a_death_between_two_steps_of_a_chunk_s_end_counts_nothing_twice(
    tmp_path: Path, fault: str
) -> None:
    tally = deaths.killed_between(tmp_path, fault, pictures=800, deaths=2)
    assert tally.exact, tally
    assert tally.times == 2
