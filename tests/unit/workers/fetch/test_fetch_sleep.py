"""How long the fetch thread sleeps: until a host's pause ends, and never zero seconds while it has nothing to do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import certifi
import pytest

import workers.fetch.transfers as module
from vitrine.net.url import parse_url
from workers.byte_budget import ByteBudget
from workers.fetch.curl_loop import EndedTransfer
from workers.fetch.policy import FetchPolicy
from workers.fetch.transfer import Transfer
from workers.fetch.transfers import Transfers

PAUSE = 0.05


class Bed:
    """A loop without events, which records how long it was asked to sleep."""

    def __init__(self) -> None:
        self.asked: list[float | None] = []

    def add(self, curl: Any) -> None:
        """Fetch nothing."""

    def remove(self, curl: Any) -> None:
        """Do nothing, since nothing was added."""

    def step(self, longest: float | None) -> list[EndedTransfer]:
        """Record the duration, and do not sleep."""
        self.asked.append(longest)
        return []


def walk(policy: FetchPolicy, url: str) -> Transfer:
    return Transfer(parse_url(url), policy, policy.patience)


def test_a_host_whose_pause_is_over_while_all_places_are_taken_is_not_asked_for_without_sleep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policy, bed, now = FetchPolicy(concurrency=1), Bed(), [0.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    engine = Transfers(policy, certifi.where(), bed, ByteBudget(1000))  # type: ignore[arg-type]
    paused = walk(policy, "http://slow.example/a.jpg")
    engine._pauses.pause(paused.target.authority, PAUSE)
    engine.submit(paused)
    engine.step()
    assert bed.asked.pop() is not None
    engine.submit(walk(policy, "http://busy.example/b.jpg"))
    engine.step()
    now[0] += 2 * PAUSE
    engine.step()
    assert len(engine._active) == 1
    assert bed.asked.pop() is None
    engine.close()
