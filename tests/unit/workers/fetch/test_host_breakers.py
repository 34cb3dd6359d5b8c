"""Hosts that do not respond: when requests to them stop, which pictures wait, and when they are tried again."""

from __future__ import annotations

import pytest

from vitrine.core.types import FailureReason, ItemFailure
from workers.circuit_breaker import BreakerPolicy
from workers.fetch import host_breakers
from workers.fetch.host_breakers import PROBE_GRACE, TERMS, HostBreakers
from workers.ingest.retries import LONGEST_RETRY_NOW

SHORT = BreakerPolicy(opens_after=3, first_pause=24.0, longest_pause=48.0, probe=60.0)
TIMEOUT = ItemFailure(FailureReason.TIMEOUT, "timed out")
HOST, OTHER = "slow.example:443", "good.example:443"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def made(clock: Clock) -> HostBreakers:
    return HostBreakers(clock, terms=SHORT, chance=lambda _low, high: high)


def fail(breakers: HostBreakers, host: str = HOST, times: int = 3) -> list[bool]:
    changed = []
    for _ in range(times):
        breakers.begin(host)
        changed.append(breakers.ended(host, TIMEOUT))
    return changed


def test_a_host_that_fails_in_a_row_is_left_alone_and_the_others_are_not() -> None:
    breakers = made(Clock())
    assert fail(breakers) == [False, False, True]
    refusal = breakers.refusal(HOST)
    assert refusal is not None
    assert refusal.reason is FailureReason.TIMEOUT
    assert refusal.detail == f"{HOST} failed 3 times in a row and is left alone for 24 s"
    assert refusal.retry_after == 24.0
    assert breakers.refusal(OTHER) is None


@pytest.mark.parametrize(
    "reason",
    [
        None,
        *(
            one
            for one in FailureReason
            if one not in {FailureReason.TIMEOUT, FailureReason.CONNECTION_FAILED}
        ),
    ],
)
def test_whoever_answers_anything_is_there(reason: FailureReason | None) -> None:
    breakers = made(Clock())
    fail(breakers, times=2)
    breakers.ended(HOST, ItemFailure(reason, "said so") if reason else None)
    assert len(breakers) == 0
    fail(breakers, times=2)
    assert breakers.refusal(HOST) is None


def test_others_wait_a_moment_for_the_probe_and_not_longer() -> None:
    clock = Clock()
    breakers = made(clock)
    fail(breakers)
    clock.now += 24
    assert (breakers.refusal(HOST), breakers.remaining(HOST)) == (None, 0.0)
    breakers.begin(HOST)
    assert breakers.late() == []
    clock.now += 0.25
    assert breakers.refusal(HOST) is None
    assert breakers.remaining(HOST) == PROBE_GRACE - 0.25
    clock.now += PROBE_GRACE
    assert breakers.late() == [HOST]
    assert breakers.late() == []
    assert breakers.refusal(HOST) is not None


def test_a_probe_that_comes_through_frees_the_host_and_its_memory() -> None:
    clock = Clock()
    breakers = made(clock)
    fail(breakers)
    clock.now += 24
    breakers.begin(HOST)
    assert breakers.ended(HOST, None) is True
    assert (breakers.refusal(HOST), breakers.remaining(HOST), len(breakers)) == (None, 0.0, 0)


def test_a_probe_that_fails_leaves_the_host_alone_for_longer() -> None:
    clock = Clock()
    breakers = made(clock)
    fail(breakers)
    clock.now += 24
    assert fail(breakers, times=1) == [True]
    refusal = breakers.refusal(HOST)
    assert refusal is not None
    assert refusal.retry_after == 48.0


def test_no_picture_waits_within_its_chunk_for_a_host_that_is_left_alone() -> None:
    assert TERMS.first_pause / 2 > LONGEST_RETRY_NOW


def test_only_so_many_hosts_are_remembered_and_those_in_use_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(host_breakers, "MAX_HOSTS", 100)
    breakers = made(Clock())
    for number in range(300):
        fail(breakers, f"host-{number}", times=3)
        breakers.ended("in-use", TIMEOUT)
    assert len(breakers) == 100
    assert breakers.refusal("in-use") is not None
    assert breakers.refusal("host-299") is not None
    assert breakers.refusal("host-0") is None
