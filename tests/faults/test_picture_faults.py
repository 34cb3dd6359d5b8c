"""Poisonous pictures: named one by one, at the cost of nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.picture_faults import marked_pictures

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.mark.long
def test_a_picture_that_kills_the_process_is_dead_lettered_by_name(tmp_path: Path) -> None:
    tally, crashes = marked_pictures(
        tmp_path, "abort", pictures=3000, culprits=[1717], reason="crashed_worker"
    )
    assert tally.exact, tally
    assert 2 <= crashes <= 8


@pytest.mark.parametrize(
    ("fault", "reason"), [("raise", "model_error"), ("nan", "bad_vector"), ("memory", None)]
)
def test_a_picture_that_breaks_the_model_is_the_only_one_to_fail(
    tmp_path: Path, fault: str, reason: str | None
) -> None:
    culprits = [3, 64, 65, 700]
    tally, crashes = marked_pictures(
        tmp_path, fault, pictures=1000, culprits=culprits, reason=reason
    )
    assert tally.exact, tally
    assert crashes == 0


@pytest.mark.long
def test_a_batch_that_hangs_ends_the_process_and_is_done_by_the_next(tmp_path: Path) -> None:
    tally, crashes = marked_pictures(
        tmp_path, "hang", pictures=500, culprits=[123], reason=None, hangs=1
    )
    assert tally.exact, tally
    assert crashes == 1
