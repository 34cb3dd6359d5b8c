from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.api.api_fixture import SPACE, Stage, problem_of, put
from vitrine.core.errors import LedgerUnavailable
from vitrine.core.settings import Settings
from vitrine.messaging.worker_registry import StoreOutage
from vitrine.store import Footprint


def test_collections_tell_space_points_and_indexed_fields(stage: Stage) -> None:
    put(stage.store, "autumn", ("hat", 0, b"hat", {}))
    body = stage.client.get("/v1/collections").json()
    assert [each["name"] for each in body["collections"]] == ["autumn", "summer"]
    summer = body["collections"][1]
    assert summer.items() <= stage.client.get("/v1/collections/summer").json().items()
    assert summer["points"] == 4
    assert summer["space"]["model"] == "builtin"
    assert summer["indexed_fields"] == {"colour": "keyword", "price": "float"}


def test_one_collection_tells_its_index_its_size_and_its_last_job(stage: Stage) -> None:
    before = stage.client.get("/v1/collections/summer").json()
    assert before["storage"] == {
        "items": 3, "more_items": False, "vector_bytes": 4 * 16 * 4, "disk_bytes": None,
    }  # fmt: skip
    assert before["index"]["state"] == "complete"
    assert before["last_job"] is None
    stage.job()
    last = stage.job(images=2)
    stage.job(collection="autumn")
    told = stage.client.get("/v1/collections/summer").json()["last_job"]
    assert (told["id"], told["state"], told["images"]) == (last, "running", 2)


def test_what_a_collection_takes_up_is_told_as_far_as_it_is_known(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Footprint(items=100_000, more_items=True, disk_bytes=7_000_000)
    monkeypatch.setattr(stage.store, "footprint", lambda _: found)
    storage = stage.client.get("/v1/collections/summer").json()["storage"]
    assert (storage["items"], storage["more_items"]) == (100_000, True)
    assert storage["disk_bytes"] == 7_000_000


def test_a_deferred_index_is_told(stage: Stage) -> None:
    stage.store.defer_index("summer")
    assert stage.client.get("/v1/collections/summer").json()["index"]["state"] == "deferred"


def test_a_collection_is_told_of_without_the_ledger(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(**_: object) -> None:
        raise LedgerUnavailable("gone")

    monkeypatch.setattr(stage.ledger, "jobs", gone)
    assert stage.client.get("/v1/collections/summer").json()["last_job"] is None


def test_an_unknown_collection_names_the_first_of_many(stage: Stage) -> None:
    for number in range(30):
        stage.store.ensure(f"c{number:02}", SPACE)
    hint = problem_of(stage.client.get("/v1/collections/none"), 404, "not_found")["hint"]
    assert "c00" in hint
    assert "c29" not in hint
    assert "11 more" in hint


def test_an_empty_store_says_so(settings: Settings) -> None:
    from tests.unit.api.api_fixture import make_stage

    with make_stage(settings).client as client:
        body = problem_of(client.get("/v1/collections/summer"), 404, "not_found")
    assert "No collection exists yet" in body["hint"]


def test_workers_tell_of_themselves(stage: Stage) -> None:
    (worker,) = stage.client.get("/v1/workers").json()["workers"]
    assert (worker["node"], worker["device"], worker["supports_text"]) == ("fake", "cpu", True)
    assert worker["space"]["dimension"] == 16
    assert worker["store_away"] is None


def test_a_worker_tells_that_it_cannot_store(stage: Stage) -> None:
    away = StoreOutage(1_700_000_000.0, "It answered 503.")
    stage.query_client.crew = [
        replace(worker, store_away=away) for worker in stage.query_client.crew
    ]
    (worker,) = stage.client.get("/v1/workers").json()["workers"]
    assert worker["store_away"] == {"since": "2023-11-14T22:13:20Z", "why": "It answered 503."}


def test_workers_without_a_ledger_are_a_503(stage: Stage) -> None:
    stage.query_client.failure = LedgerUnavailable("gone")
    problem_of(stage.client.get("/v1/workers"), 503, "ledger_unavailable")
