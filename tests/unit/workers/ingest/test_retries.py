from __future__ import annotations

from dataclasses import replace

import pytest

from vitrine.core.types import FailureReason, ImageRef, ItemFailure
from workers.ingest.retries import LONGEST_DEFERRAL, Defer, RetryNow, RetryPolicy

IMAGE = ImageRef(0, "item", 0, "https://shop.example/0.jpg")
POLICY = RetryPolicy(attempts=3, rounds=2)


def failure(reason: FailureReason, retry_after: float | None = None) -> ItemFailure:
    return ItemFailure(reason, "why", retry_after=retry_after)


@pytest.mark.parametrize("reason", [r for r in FailureReason if not r.transient])
def test_permanent_failures_are_final(reason: FailureReason) -> None:
    assert POLICY.decide(IMAGE, failure(reason, retry_after=1.0), 1) is None


def test_waits_grow_then_the_picture_is_put_off_then_it_is_final() -> None:
    timeout = failure(FailureReason.TIMEOUT)
    first, second = POLICY.decide(IMAGE, timeout, 1), POLICY.decide(IMAGE, timeout, 2)
    assert isinstance(first, RetryNow)
    assert isinstance(second, RetryNow)
    assert 0.25 <= first.seconds <= 0.5 <= second.seconds <= 1.0
    third = POLICY.decide(IMAGE, timeout, 3)
    assert isinstance(third, Defer)
    assert 7.5 <= third.seconds <= 15.0
    assert isinstance(POLICY.decide(replace(IMAGE, rounds=1), timeout, 3), Defer)
    assert POLICY.decide(replace(IMAGE, rounds=2), timeout, 3) is None


def test_a_hosts_own_wish_wins_where_it_is_longer() -> None:
    asked = failure(FailureReason.RATE_LIMITED, retry_after=5.0)
    assert POLICY.decide(IMAGE, asked, 1) == RetryNow(5.0)
    longer = failure(FailureReason.RATE_LIMITED, retry_after=600.0)
    assert POLICY.decide(IMAGE, longer, 1) == Defer(600.0)
    absurd = failure(FailureReason.SERVER_ERROR, retry_after=1e9)
    assert POLICY.decide(IMAGE, absurd, 1) == Defer(LONGEST_DEFERRAL)
