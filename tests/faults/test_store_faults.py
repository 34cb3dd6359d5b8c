"""An unreachable store: nothing is marked done before it is written, and everything completes afterwards."""

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
        return  # Its request still waits, and may yet be answered.
    # A worker reports its state every three seconds.
    assert len(seen.told) == 1
    status = fault.split(maxsplit=1)[0]
    assert status in seen.told.pop().lower()
    # Every chunk in work may hit the outage itself, once or twice; after that there is one probe at a time.
    assert seen.asked <= 2 * Settings().ingest_threads + 8
