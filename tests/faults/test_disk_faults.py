"""A full disk: nothing is lost, and work resumes by itself once there is space."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import disk_faults

pytestmark = [pytest.mark.long, pytest.mark.e2e]


def test_a_full_disk_stops_the_work_and_loses_nothing(tmp_path: Path) -> None:
    if not disk_faults.possible():
        pytest.skip("this machine does not let us make a mount namespace")
    tally = disk_faults.full(tmp_path, pictures=3000, seconds=6)
    assert tally.exact, tally
