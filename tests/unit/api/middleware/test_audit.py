"""One audit line for every change, and for every attempted change."""

from __future__ import annotations

import json
import logging
import stat
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from api.middleware.audit import log, written_to
from tests.unit.api.api_fixture import Stage, make_stage
from vitrine.core.api_keys import Keyring, Scope, new_key
from vitrine.core.errors import BadInput, LedgerUnavailable
from vitrine.core.settings import Settings
from vitrine.core.types import FailureReason

KEY, KEPT = new_key("shop", [Scope.READ, Scope.SUBMIT])
ADMIN, KEPT_ADMIN = new_key("operator", [Scope.ADMIN])
ITEMS = {"collection": "new", "items": [{"id": "a", "images": ["http://h/1", "http://h/2"]}]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
def guarded(path: Path) -> Iterator[Stage]:
    """The API with two keys, with its audit log at `path`."""
    stage = make_stage(Settings(), Keyring([KEPT, KEPT_ADMIN]))
    with written_to(path), stage.client:
        yield stage


@pytest.fixture
def told(path: Path) -> Callable[[], list[dict[str, Any]]]:
    return lambda: [json.loads(line) for line in path.read_text().splitlines()]


def post(stage: Stage, path: str, key: str = KEY, **body: Any) -> Any:
    return stage.client.post(path, headers={"Authorization": f"Bearer {key}"}, **body)


def test_a_submission_is_told_with_its_job(guarded: Stage, told: Any) -> None:
    job = post(guarded, "/v1/jobs", json=ITEMS).json()["job"]["id"]
    (line,) = told()
    assert datetime.fromisoformat(line.pop("time")).utcoffset() is not None
    assert line == {
        "key": "shop", "client": "testclient", "action": "submit", "object": job, "outcome": "done",
        "status": 202, "collection": "new", "images": 2,
    }  # fmt: skip


def test_retries_and_cancels_are_told(guarded: Stage, told: Any) -> None:
    job = post(guarded, "/v1/jobs", json=ITEMS).json()["job"]["id"]
    guarded.finish(job, [FailureReason.TIMEOUT, None])
    assert post(guarded, f"/v1/jobs/{job}/retry").status_code == 202
    assert post(guarded, f"/v1/jobs/{job}/cancel", ADMIN).status_code == 200
    _, retried, cancelled = told()
    assert (retried["action"], retried["object"], retried["images"]) == ("retry", job, 1)
    assert (cancelled["action"], cancelled["object"], cancelled["key"]) == (
        "cancel", job, "operator",
    )  # fmt: skip


def test_an_attempt_that_was_refused_is_told_with_who_tried(guarded: Stage, told: Any) -> None:
    post(guarded, "/v1/jobs/x/cancel")
    post(guarded, "/v1/jobs/x/cancel", ADMIN)
    post(guarded, "/v1/jobs/x/cancel", "unknown")
    guarded.client.delete("/v1/collections/summer", headers={"Authorization": f"Bearer {KEY}"})
    assert [(line["key"], line["action"], line["object"], line["status"]) for line in told()] == [
        ("shop", "cancel", "x", 403),
        ("operator", "cancel", "x", 404),
        (None, "cancel", "x", 401),
        ("shop", "delete", "/v1/collections/summer", 403),
    ]
    assert {line["outcome"] for line in told()} == {"refused"}


def test_one_that_failed_here_is_told_as_failed(
    guarded: Stage, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_job: str) -> None:
        raise LedgerUnavailable("Redis does not answer.")

    def broken(_job: str) -> None:
        raise KeyError("x")

    for cancel, status in ((gone, 503), (broken, 500)):
        monkeypatch.setattr(guarded.ledger, "cancel", cancel)
        assert post(guarded, "/v1/jobs/x/cancel", ADMIN).status_code == status
    assert [line["outcome"] for line in told()] == ["failed", "failed"]


def test_what_only_looks_is_not_told(guarded: Stage, told: Any) -> None:
    guarded.client.get("/v1/jobs", headers={"Authorization": f"Bearer {KEY}"})
    post(guarded, "/v1/search", json={"collection": "summer", "item": "x"})
    guarded.client.get("/healthz")
    assert told() == []


def test_no_line_holds_a_key_or_begins_another(guarded: Stage, path: Path, told: Any) -> None:
    post(guarded, "/v1/jobs/a%0A%7B%22key%22:%22forged%22%7D/cancel", ADMIN)
    post(guarded, f"/v1/jobs/{KEY}x/cancel", f"{ADMIN}x")
    assert len(told()) == 2
    assert ADMIN not in path.read_text()


def test_on_loopback_without_keys_it_is_told_without_a_name(path: Path, told: Any) -> None:
    stage = make_stage(Settings())
    with written_to(path), stage.client:
        stage.job()
    assert [(line["key"], line["outcome"]) for line in told()] == [(None, "done")]


def test_the_file_is_for_its_user_alone_and_is_never_shortened(path: Path) -> None:
    for text in ("first", "second"):
        with written_to(path):
            log.info("%s", text)
    assert path.read_text() == "first\nsecond\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_was_rotated_away_is_opened_anew(path: Path) -> None:
    with written_to(path):
        log.info("before")
        moved = path.rename(path.with_suffix(".1"))
        log.info("after")
    assert (moved.read_text(), path.read_text()) == ("before\n", "after\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_left_out_it_is_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with written_to(None):
        log.info("a line")
    assert capsys.readouterr().err == "a line\n"
    assert (log.handlers, log.propagate, log.level) == ([], True, logging.NOTSET)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"VITRINE_AUDIT_LOG: .*none/audit\.log cannot"):
        written_to(tmp_path / "none" / "audit.log").__enter__()
