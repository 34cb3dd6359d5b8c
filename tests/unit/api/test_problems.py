from __future__ import annotations

import logging
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from api.problems import TITLES, UnhandledErrors, of_error, of_validation
from tests.unit.api.api_fixture import Stage, problem_of
from vitrine.core.errors import (
    BadInput,
    LedgerUnavailable,
    QueueFull,
    StoreRejected,
    StoreUnavailable,
    VitrineError,
)


def families(kind: type[VitrineError]) -> list[type[VitrineError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in families(child))]


def test_every_error_of_ours_has_a_title() -> None:
    assert {kind.code for kind in families(VitrineError)} <= TITLES.keys()


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (BadInput("no"), 422, None),
        (QueueFull("full", retry_after=2.1), 429, "3"),
        (LedgerUnavailable("gone"), 503, "5"),
        (StoreUnavailable("busy", retry_after=0.2), 503, "1"),
        (StoreUnavailable("gone"), 503, "5"),
        (StoreRejected("never"), 502, None),
    ],
)
def test_the_class_decides_status_and_retry_after(
    error: VitrineError, status: int, retry_after: str | None
) -> None:
    answer = of_error(error)
    assert answer.status_code == status
    assert answer.headers.get("retry-after") == retry_after


def test_a_hint_is_its_own_member(stage: Stage) -> None:
    body = problem_of(stage.client.get("/v1/collections/none"), 404, "not_found")
    assert body["detail"] == "There is no collection none."
    assert body["hint"] == "These exist: summer."


def test_a_validation_error_names_the_field_and_repeats_no_value() -> None:
    error = {"loc": ("body", "items", 3, "images", 0), "msg": "Value error, bad", "input": "secret"}
    answer = of_validation([error, error])
    assert b'"items[3].images[0]: bad (and 1 more)"' in bytes(answer.body)
    assert b"secret" not in bytes(answer.body)


def test_a_thousand_field_errors_are_cut() -> None:
    answer = of_validation([{"loc": ("body", n), "msg": "bad"} for n in range(1000)])
    assert bytes(answer.body).count(b'"field"') == 20


def test_query_parameters_are_named_without_their_source(stage: Stage) -> None:
    body = problem_of(stage.client.get("/v1/jobs?limit=0"), 422, "bad_input")
    assert body["errors"][0]["field"] == "limit"


def test_an_unknown_route_and_method_take_the_same_form(stage: Stage) -> None:
    problem_of(stage.client.get("/v1/nothing"), 404, "not_found")
    answer = stage.client.delete("/v1/jobs")
    problem_of(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, POST"


def test_a_query_parameter_that_nobody_reads_is_named(stage: Stage) -> None:
    body = problem_of(stage.client.get("/v1/jobs?limit=1&ofset=2"), 422, "bad_input")
    assert body["errors"] == [{"field": "ofset", "message": "Unknown parameter."}]
    problem_of(stage.client.post("/v1/search?top=3", json={}), 422, "bad_input")


def test_an_unforeseen_error_is_a_500_without_details_and_one_traceback_in_the_log(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_: Any) -> None:
        raise KeyError("password of the database")

    monkeypatch.setattr(stage.ledger, "jobs", broken)
    body = problem_of(stage.client.get("/v1/jobs"), 500, "internal")
    assert "password" not in str(body)
    logged = [record for record in caplog.records if record.exc_info]
    assert len(logged) == 1
    assert body["instance"] in logged[0].getMessage()


def test_an_unreachable_part_is_a_503_and_a_warning(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def gone(**_: Any) -> None:
        raise LedgerUnavailable("Redis does not answer.")

    monkeypatch.setattr(stage.ledger, "jobs", gone)
    answer = stage.client.get("/v1/jobs")
    problem_of(answer, 503, "ledger_unavailable")
    assert answer.headers["retry-after"] == "5"
    assert [record.levelno for record in caplog.records if record.name == "api.problems"] == [
        logging.WARNING
    ]


async def _no_message() -> Message:
    raise AssertionError("nothing is to be received")


def test_a_client_that_went_away_is_no_fault_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ClientDisconnect

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    run(UnhandledErrors(app)({"type": "http", "method": "GET", "path": "/"}, _no_message, send))
    assert sent == []
    assert caplog.records == []


def test_an_error_after_the_answer_began_is_not_answered_again() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise KeyError("late")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(KeyError):
        run(UnhandledErrors(app)({"type": "http", "method": "GET", "path": "/"}, _no_message, send))
    assert [message["type"] for message in sent] == ["http.response.start"]


def run(awaitable: Any) -> None:
    with pytest.raises(StopIteration):
        awaitable.send(None)
