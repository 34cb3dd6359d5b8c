"""A store that is away: nothing is marked done before it is written, and all completes after."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import store_faults

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.mark.parametrize("fault", sorted(store_faults.FAULTS))
def test_nothing_counts_as_done_while_the_store_is_away(tmp_path: Path, fault: str) -> None:
    tally, ahead = store_faults.away(tmp_path, fault, pictures=1500, seconds=4)
    assert tally.exact, tally
    assert ahead == 0
