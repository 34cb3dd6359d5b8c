"""Findings from Redis's own figures, and from a real Redis."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from vitrine.core.errors import BadInput, LedgerUnavailable
from vitrine.core.settings import Settings
from vitrine.doctor.finding import Finding, Severity
from vitrine.doctor.redis_check import RedisProbe, check_redis, redis_findings

HEALTHY: dict[str, Any] = {
    "redis_version": "7.2.4",
    "role": "master",
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
    "maxmemory_policy": "noeviction",
    "maxmemory": 2**30,
    "used_memory": 2**20,
}


def judged(ping_ms: float = 0.2, ahead: float = 0.0, **changed: Any) -> list[Finding]:
    return list(redis_findings(RedisProbe({**HEALTHY, **changed}, ping_ms, ahead)))


def only(findings: list[Finding]) -> Finding:
    """Return the only finding that is not good."""
    (found,) = [finding for finding in findings if finding.verdict is not Severity.GOOD]
    return found


def test_a_healthy_one_has_nothing_but_good_said_of_it() -> None:
    assert {finding.verdict for finding in judged()} == {Severity.GOOD}


@pytest.mark.parametrize(
    ("changed", "verdict", "message"),
    [
        ({"redis_version": "5.0.14"}, Severity.WARNING, "versions before 6.2"),
        ({"redis_version": ""}, Severity.WARNING, "unknown version"),
        ({"role": "slave"}, Severity.WRONG, "replica"),
        ({"aof_enabled": 0}, Severity.WARNING, "no append-only file"),
        ({"aof_last_write_status": "err"}, Severity.WRONG, "cannot write"),
        ({"maxmemory_policy": "allkeys-lru"}, Severity.WRONG, "allkeys-lru"),
        ({"used_memory": 2**30 - 1}, Severity.WARNING, "nearly full"),
        ({"maxmemory": 0}, Severity.NOTE, "no limit"),
        ({"ping_ms": 20.0}, Severity.WARNING, "20.0 ms"),
        ({"ahead": 60.0}, Severity.WARNING, "60 s behind"),
        ({"ahead": -60.0}, Severity.WARNING, "60 s ahead of"),
    ],
    ids=[
        "old", "unknown", "replica", "no-aof", "aof-broken", "evicts", "full", "unbounded", "far", "behind", "ahead",
    ],
)  # fmt: skip
def test_each_trouble_is_named_with_what_to_do(
    changed: dict[str, Any], verdict: Severity, message: str
) -> None:
    found = only(judged(**changed))
    assert found.verdict is verdict
    assert message in found.message
    assert found.fix or verdict is Severity.NOTE


def test_a_policy_that_never_applies_is_a_warning() -> None:
    worst = [f.verdict for f in judged(maxmemory=0, maxmemory_policy="allkeys-lru")]
    assert Severity.WARNING in worst
    assert Severity.WRONG not in worst


def test_a_real_one_is_asked(private_redis: str) -> None:
    found = list(check_redis(Settings(redis_url=SecretStr(private_redis))))
    message = " ".join(finding.message for finding in found)
    assert "append-only file" in message
    assert "Clock difference" in message
    assert not [finding for finding in found if finding.verdict is Severity.WRONG]


def test_one_that_is_away_or_no_redis_at_all_is_an_error() -> None:
    with pytest.raises(LedgerUnavailable):
        list(check_redis(Settings(redis_url=SecretStr("redis://127.0.0.1:1/0"))))
    with pytest.raises(BadInput):
        list(check_redis(Settings(redis_url=SecretStr("http://h:1"))))
