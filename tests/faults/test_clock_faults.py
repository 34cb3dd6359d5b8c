"""The ledger's clock jumps: nothing is lost, and nothing waits for the hour to pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import clock_faults

pytestmark = [pytest.mark.e2e]


def test_a_clock_that_jumps_costs_no_picture_and_no_hour(tmp_path: Path) -> None:
    if clock_faults.library() is None:
        pytest.skip("libfaketime is not installed")
    tally = clock_faults.jumps(tmp_path, pictures=2000)
    assert tally.exact, tally
    assert tally.times == 2
