"""A decoder that accepts anything: every damaged file becomes a picture or fails with a reason, and memory stays flat."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.hostile_pictures import GROWTH, Ends, in_a_process
from vitrine.core.types import FailureReason


def check(ends: Ends) -> None:
    assert ends.unforeseen == []
    assert sum(ends.outcomes.values()) == ends.cases
    assert ends.outcomes.keys() <= {"decoded", *FailureReason}
    # A fuzzer whose cases all end alike tests nothing.
    assert len(ends.outcomes) >= 4


def test_two_thousand_damaged_pictures_end_decoded_or_under_a_reason() -> None:
    check(in_a_process(2_000))


@pytest.mark.long
@pytest.mark.timeout(36_000)
def test_a_hundred_thousand_damaged_pictures_end_likewise_and_memory_is_flat(
    shared_data: Path,
) -> None:
    ends = in_a_process(100_000, shared_data / "odd")
    check(ends)
    assert ends.growth < GROWTH
