"""A store that is away: nothing is marked done before it is written, and all completes after."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import store_faults
from vitrine.core.settings import Settings

pytestmark = [pytest.mark.e2e]


@pytest.mark.parametrize("fault", sorted(store_faults.FAULTS))
def test_nothing_counts_as_done_while_the_store_is_away(tmp_path: Path, fault: str) -> None:
    tally, seen = store_faults.away(tmp_path, fault, pictures=1500, seconds=8)
    assert tally.exact, tally
    assert seen.ahead == 0
    if fault == "hanging":
        return  # Its request is waited for: it may yet be answered.
    # A worker tells of itself every three seconds.
    assert len(seen.told) == 1
    status = fault.split(maxsplit=1)[0]
    assert status in seen.told.pop().lower()
    # Every chunk in work may find out for itself, once or twice; from then on there is one probe at a time.
    assert seen.asked <= 2 * Settings().ingest_threads + 8
