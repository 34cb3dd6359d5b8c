"""The rate of a job, from recorded observations: no clock runs here."""

from __future__ import annotations

import pytest

from api.eta import ThroughputWindow, seconds_left


def test_there_is_no_rate_before_a_second_was_seen() -> None:
    pace = ThroughputWindow()
    assert pace.rate(10.0, 5) is None
    assert pace.rate(10.5, 500) is None


def test_the_rate_is_that_of_the_window() -> None:
    pace = ThroughputWindow(window=10.0)
    for second in range(30):
        rate = pace.rate(float(second), 100 * second)
    assert rate == pytest.approx(100.0)
    for second in range(30, 41):
        rate = pace.rate(float(second), 2900)
    assert rate == pytest.approx(0.0)


def test_a_pause_between_two_looks_longer_than_the_window_still_has_a_rate() -> None:
    pace = ThroughputWindow(window=10.0)
    pace.rate(0.0, 0)
    assert pace.rate(100.0, 50) == pytest.approx(0.5)


def test_a_retry_which_takes_outcomes_back_begins_anew() -> None:
    pace = ThroughputWindow()
    pace.rate(0.0, 0)
    pace.rate(5.0, 500)
    assert pace.rate(6.0, 100) is None
    assert pace.rate(8.0, 120) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("pending", "rate", "seconds"),
    [(100, 10.0, 10.0), (100, 0.0, None), (100, None, None), (0, 5.0, 0.0)],
)
def test_time_left_is_told_where_it_can_be(
    pending: int, rate: float | None, seconds: float | None
) -> None:
    assert seconds_left(pending, rate) == seconds
