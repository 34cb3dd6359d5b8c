"""Findings from the store's responses: versions, strict mode, the store process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from vitrine.core.errors import BadInput, StoreUnavailable
from vitrine.core.settings import Settings
from vitrine.doctor import store_check
from vitrine.doctor.finding import Finding, Severity
from vitrine.doctor.store_check import check_store
from vitrine.store.base import EmbeddingSpace
from vitrine.store.qdrant.store import QdrantServerStore
from vitrine.testing.memory_store import MemoryStore
from vitrine.testing.qdrant_http import LocalQdrantServer, Reply

SPACE = EmbeddingSpace("made", "r1", "rgb-1", 4)


@pytest.fixture
def server() -> Iterator[LocalQdrantServer]:
    with LocalQdrantServer() as server:
        store = QdrantServerStore(server.url)
        store.ensure("shop", SPACE)
        store.close()
        yield server


def asked(url: str) -> list[Finding]:
    return list(check_store(Settings(qdrant_url=SecretStr(url))))


def test_a_server_tells_its_version_and_what_it_holds(server: LocalQdrantServer) -> None:
    found = asked(server.url)
    assert {finding.verdict for finding in found} == {Severity.GOOD}
    assert [finding.message for finding in found] == [
        "Qdrant 1.20.0 answers.",
        "1 collection, 0 points.",
    ]


def test_a_server_too_old_to_keep_the_space_is_wrong(server: LocalQdrantServer) -> None:
    version: Reply = (200, {}, {"title": "qdrant", "version": "1.15.9"})
    server.planned += [version, version]
    worst = asked(server.url)[0]
    assert (worst.verdict, "1.15.9" in worst.message) == (Severity.WRONG, True)
    assert "1.16" in str(worst.fix)


def told(status: str = "green", **strict: Any) -> dict[str, Any]:
    return {"result": {"status": status, "config": {"strict_mode_config": strict or None}}}


@pytest.mark.parametrize(
    ("answer", "verdicts"),
    [
        (told(), []),
        (told(enabled=True, upsert_max_batchsize=64, max_query_limit=1000), []),
        (told(enabled=False, upsert_max_batchsize=1), []),
        (told(enabled=True, upsert_max_batchsize=32), [Severity.WARNING]),
        (told(enabled=True, max_query_limit=10, filter_max_conditions=2), [Severity.WARNING] * 2),
        (told("red"), [Severity.WRONG]),
        ({}, []),
    ],
    ids=["none", "roomy", "off", "small-upserts", "two", "red", "silent"],
)
def test_limits_below_what_is_asked_are_named(
    answer: dict[str, Any], verdicts: list[Severity]
) -> None:
    found = list(store_check._limits("shop", answer))
    assert [finding.verdict for finding in found] == verdicts
    assert all(finding.fix for finding in found)


def test_a_deferred_index_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    store.ensure("shop", SPACE)
    store.defer_index("shop")
    monkeypatch.setattr(store_check, "open_store", lambda _settings: store)
    settings = Settings(
        qdrant_url=SecretStr("edge+http://127.0.0.1:1"), store_token=SecretStr("token")
    )
    found = list(check_store(settings))
    assert [finding.verdict for finding in found] == [Severity.GOOD, Severity.GOOD, Severity.NOTE]


def test_a_store_inside_another_process_cannot_be_looked_at() -> None:
    (found,) = asked("edge:///var/lib/vitrine")
    assert found.verdict is Severity.NOTE


def test_one_that_is_away_or_no_store_at_all_is_an_error() -> None:
    with pytest.raises(StoreUnavailable):
        asked("http://127.0.0.1:1")
    with pytest.raises(BadInput):
        asked("ftp://h")
