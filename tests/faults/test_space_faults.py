"""One collection and two models: their vectors are never mixed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import space_faults

pytestmark = [pytest.mark.e2e]


def test_another_models_job_is_refused_by_name_and_changes_no_point(tmp_path: Path) -> None:
    tally = space_faults.one_after_the_other(tmp_path, pictures=200)
    assert tally.exact, tally
    assert tally.doubled == 0


@pytest.mark.long
def test_of_two_models_that_race_for_a_new_collection_one_has_it(tmp_path: Path) -> None:
    tally = space_faults.at_once(tmp_path, pictures=200)
    assert tally.exact, tally
