"""Redis dies, fills up and is cut off; the counts stay exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import redis_faults

pytestmark = [pytest.mark.e2e]


def test_a_killed_redis_comes_back_and_nothing_is_lost(tmp_path: Path) -> None:
    tally = redis_faults.killed(tmp_path, pictures=3000, kills=3)
    assert tally.exact, tally
    assert tally.times == 3


def test_a_full_redis_refuses_submissions_in_words_and_kills_no_worker(tmp_path: Path) -> None:
    full = redis_faults.full(tmp_path, pictures=2000)
    assert full.tally.exact, full
    assert [sentence.split(". ")[0] for sentence in full.told] == ["Redis is full"]
    assert full.crashes == 0
    assert full.left_open <= 10


@pytest.mark.parametrize("cuts", [3, pytest.param(10, marks=pytest.mark.long)])
def test_broken_connections_to_redis_cost_time_only(tmp_path: Path, cuts: int) -> None:
    tally = redis_faults.cut(tmp_path, pictures=1000, cuts=cuts)
    assert tally.exact, tally
    assert tally.times == cuts


def test_half_open_connections_to_redis_are_given_up(tmp_path: Path) -> None:
    tally = redis_faults.half_open(tmp_path, pictures=1000, times=1)
    assert tally.exact, tally
    assert tally.times == 1


def test_an_emptied_redis_is_told_as_lost_jobs_and_submitting_again_is_exact(
    tmp_path: Path,
) -> None:
    tally, told = redis_faults.emptied(tmp_path, pictures=4000)
    assert tally.exact, tally
    assert tally.kept, tally.promises
    assert told.states == ["lost"] * 3
    assert told.codes == [3, 3, 0]
    assert all("Submit the catalog again" in notice for notice in told.notices)
    assert told.other_jobs == 0
