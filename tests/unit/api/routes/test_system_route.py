from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.unit.api.api_fixture import Stage, make_stage, problem_of
from vitrine.core.errors import LedgerUnavailable
from vitrine.core.settings import Settings
from vitrine.core.types import FailureReason


def test_the_system_tells_who_works_what_waits_and_what_was_done(stage: Stage) -> None:
    stage.job(images=3)
    done = stage.job(images=2)
    stage.finish(done, [None, FailureReason.TIMEOUT])
    body = stage.client.get("/v1/system").json()
    assert [worker["device"] for worker in body["workers"]] == ["cpu"]
    assert body["queues"] == [{"model": "builtin", "workers": 1, "chunks": 2, "queries": 0}]
    assert (body["active_jobs"], body["pending_images"], body["max_pending_images"]) == (1, 3, 50)
    assert len(body["minutes"]) == 60
    assert sum(minute["embedded"] for minute in body["minutes"][-2:]) == 1
    assert sum(minute["failed"] for minute in body["minutes"][-2:]) == 1
    assert body["minutes"][0]["at"] < body["minutes"][-1]["at"]
    assert (body["flower_url"], body["grafana_url"]) == (None, None)


def test_models_that_jobs_wait_for_are_listed_though_nobody_runs_them(stage: Stage) -> None:
    stage.job(images=1, collection="other", model="big/model")
    queues = stage.client.get("/v1/system").json()["queues"]
    assert [(queue["model"], queue["workers"]) for queue in queues] == [
        ("big--model", 0), ("builtin", 1),
    ]  # fmt: skip
    assert queues[0]["chunks"] == 1


def test_the_default_model_is_listed_with_nothing_else(settings: Settings) -> None:
    stage = make_stage(settings)
    stage.query_client.crew.clear()
    with stage.client as client:
        body = client.get("/v1/system").json()
    assert body["queues"] == [{"model": "builtin", "workers": 0, "chunks": 0, "queries": 0}]


@pytest.mark.parametrize("minutes", ["0", "1441", "x"])
def test_minutes_are_bounded(stage: Stage, minutes: str) -> None:
    problem_of(stage.client.get(f"/v1/system?minutes={minutes}"), 422, "bad_input")


def test_a_shorter_time_can_be_asked_for(stage: Stage) -> None:
    assert len(stage.client.get("/v1/system?minutes=5").json()["minutes"]) == 5


def test_without_a_ledger_it_is_a_503(stage: Stage) -> None:
    stage.query_client.failure = LedgerUnavailable("gone")
    problem_of(stage.client.get("/v1/system"), 503, "ledger_unavailable")


def test_the_links_that_are_set_are_told() -> None:
    settings = Settings(flower_url="https://flower.example/", grafana_url="http://127.0.0.1:3000")
    with make_stage(settings).client as client:
        body = client.get("/v1/system").json()
    assert body["flower_url"] == "https://flower.example/"
    assert body["grafana_url"] == "http://127.0.0.1:3000"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "flower.example",
        "https://",
        "https://me:secret@flower.example",
        "http://[x",
    ],
)
def test_what_is_no_plain_link_is_refused_without_repeating_it_in_the_message(url: str) -> None:
    with pytest.raises(ValidationError, match="without a user name") as refused:
        Settings(flower_url=url)
    told = refused.value.errors(include_input=False, include_url=False)
    assert "secret" not in str([each["msg"] for each in told])


def test_an_empty_link_is_none() -> None:
    assert Settings(grafana_url=" ").grafana_url is None
