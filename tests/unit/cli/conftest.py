"""Fixtures: an in-memory ledger behind every command, and a small catalog."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from vitrine.cli.common import services
from vitrine.cli.jobs import follow as follow_module
from vitrine.cli.submit import collection_check
from vitrine.core.settings import Settings
from vitrine.testing.memory_ledger import MemoryLedger


class Queue:
    def __init__(self) -> None:
        self.sent: list[tuple[str, int, str]] = []

    def publish(self, job: str, numbers: Sequence[int], model: str) -> None:
        self.sent += [(job, number, model) for number in numbers]


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MemoryLedger:
    """An in-memory ledger behind every command; Redis is not used."""
    shared = MemoryLedger()

    @contextmanager
    def open_ledger(_settings: Settings) -> Iterator[MemoryLedger]:
        yield shared

    @contextmanager
    def open_both(_settings: Settings) -> Iterator[tuple[MemoryLedger, Queue]]:
        yield shared, Queue()

    monkeypatch.setattr(services, "open_ledger", open_ledger)
    monkeypatch.setattr(services, "open_ledger_and_publisher", open_both)
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(services, "count_workers", lambda _settings, _model: 1)
    monkeypatch.setattr(collection_check, "_model_of", lambda _settings, _collection: None)
    monkeypatch.setattr(follow_module, "POLL_SECONDS", 0.0)
    return shared


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    path = tmp_path / "shop.csv"
    path.write_text("id,image\n1,http://h/1\n2,http://h/2\n3,http://other/3\n")
    return path
