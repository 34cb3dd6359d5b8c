"""Bad hosts next to good ones: every picture gets its right outcome."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import host_faults

pytestmark = [pytest.mark.e2e]


def test_every_kind_of_bad_host_at_once_fails_what_it_must_by_name_and_nothing_else(
    tmp_path: Path,
) -> None:
    tally, busy = host_faults.every_kind(tmp_path, pictures=400)
    assert tally.exact, tally
    assert busy.refused > 0


@pytest.mark.long
def test_a_host_that_asks_to_be_left_alone_is(tmp_path: Path) -> None:
    tally, busy = host_faults.asking_for_quiet(tmp_path, pictures=800)
    assert tally.exact, tally
    # Each 429 costs exactly one more request for the same picture.
    assert 0 < busy.refused == tally.fetched_again


@pytest.mark.long
def test_a_dead_host_is_left_alone_after_some_pictures_and_fails_by_name(tmp_path: Path) -> None:
    tally, asked = host_faults.dead(tmp_path, pictures=1200)
    assert tally.exact, tally
    # 32 at a time, half of the slots, and eight failures in a row; curl may retry each connection it finds dead.
    assert asked <= 100 < tally.put_in // 4


@pytest.mark.long
def test_a_flapping_host_costs_a_second_request_a_picture(tmp_path: Path) -> None:
    tally = host_faults.flaps(tmp_path, pictures=300)
    assert tally.exact, tally
    assert tally.fetched_again == 300


@pytest.mark.long
def test_endless_pictures_and_bombs_fail_by_name_among_good_ones(tmp_path: Path) -> None:
    tally = host_faults.a_quarter_rotten(tmp_path, pictures=320)
    assert tally.exact, tally
