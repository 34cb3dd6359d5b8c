"""Settings, workers, disk, port: each problem is named, with what to do."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest
from pydantic import SecretStr
from redis import Redis

from vitrine.core.api_keys import Scope, new_key
from vitrine.core.errors import BadInput, StoreUnavailable
from vitrine.core.settings import Settings
from vitrine.core.types import ImageRef, JobSpec
from vitrine.doctor.finding import Finding, Severity, guarded_check
from vitrine.doctor.machine_check import check_disk, check_limits, check_port
from vitrine.doctor.settings_check import check_keys, check_settings
from vitrine.doctor.workers_check import (
    check_workers,
    jobs_without_worker,
    metrics_port,
    mismatched_collections,
)
from vitrine.ledger import NewChunk
from vitrine.messaging.worker_registry import WORKERS_KEY
from vitrine.store.base import CollectionInfo, EmbeddingSpace
from vitrine.testing.fake_query_client import fake_worker
from vitrine.testing.memory_ledger import MemoryLedger

SPACE = EmbeddingSpace("made", "r1", "rgb-1", 4)


def verdicts(findings: Iterable[Finding]) -> list[Severity]:
    return [finding.verdict for finding in findings]


# --- running the checks ---------------------------------------------------------------------------


def test_a_part_that_fails_is_a_finding_and_ends_nothing() -> None:
    def away() -> Iterator[Finding]:
        yield Finding("store", Severity.GOOD, "It is there.")
        raise StoreUnavailable("redis://:secret@host is away.", hint="Start it.")

    found = list(guarded_check("store", away))
    assert verdicts(found) == [Severity.GOOD, Severity.WRONG]
    assert (found[1].message, found[1].fix) == ("redis://***@host is away.", "Start it.")


def test_what_nobody_foresaw_is_told_by_its_kind_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[Finding]:
        raise ZeroDivisionError("secret")

    (found,) = guarded_check("store", broken)
    assert (found.verdict, "secret" in found.message) == (Severity.WRONG, False)
    assert "ZeroDivisionError" in found.message
    monkeypatch.setenv("VITRINE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        list(guarded_check("store", broken))


# --- settings -------------------------------------------------------------------------------------


def test_a_variable_that_nobody_reads_is_told_with_what_may_be_meant() -> None:
    settings = Settings()
    environment = {"VITRINE_MODLE": "x", "VITRINE_WHATEVER": "y", "VITRINE_DEBUG": "1", "HOME": "/"}
    found = list(check_settings(settings, settings, environment))
    assert verdicts(found) == [Severity.WARNING, Severity.NOTE]
    assert found[0].fix == "Did you mean VITRINE_MODEL?"


def test_settings_that_are_read_are_good_and_a_running_service_is_told() -> None:
    settings = Settings()
    assert verdicts(check_settings(settings, settings, {"VITRINE_MODEL": "x"})) == [Severity.GOOD]
    served = settings.model_copy(update={"model": "other"})
    assert verdicts(check_settings(settings, served, {})) == [Severity.GOOD, Severity.NOTE]


def test_keys_are_looked_at_and_an_open_door_is_an_error() -> None:
    assert verdicts(check_keys(Settings())) == [Severity.NOTE]
    _, key = new_key("shop", [Scope.READ])
    assert verdicts(check_keys(Settings(api_keys=SecretStr(key.entry)))) == [Severity.GOOD]
    with pytest.raises(BadInput, match="open to everyone"):
        list(check_keys(Settings(api_host="0.0.0.0")))


# --- workers --------------------------------------------------------------------------------------


def test_pictures_that_wait_for_a_model_without_a_worker_are_counted() -> None:
    ledger = MemoryLedger()
    for number, model in enumerate(("made", "other", "other")):
        spec = JobSpec(f"job{number}", "shop", model, "test", asked_model=f"./my {model}")
        ledger.create(spec)
        pictures = [ImageRef(n, f"i{n}", 0, f"http://h/{n}") for n in range(3)]
        ledger.add_chunks(spec.id, [NewChunk(pictures, 3)])
    (found,) = jobs_without_worker([fake_worker(SPACE)], ledger.jobs())
    assert found.verdict is Severity.WARNING
    assert found.message.startswith("6 pictures wait for the model other")
    assert found.fix == "Start one: vitrine worker --model './my other'"


def test_a_port_for_metrics_that_something_else_has_is_told() -> None:
    worker = fake_worker(SPACE)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = Settings(metrics_port=port)
        assert verdicts(metrics_port([worker], settings)) == [Severity.WARNING]
        its = replace(worker, metrics=f"127.0.0.1:{port}")
        assert verdicts(metrics_port([its], settings)) == []
    assert verdicts(metrics_port([], Settings(metrics_port=None))) == []


def test_what_is_away_is_told_once_and_not_again_for_the_workers(private_redis: str) -> None:
    nowhere = SecretStr("http://127.0.0.1:1")
    no_redis = Settings(redis_url=SecretStr("redis://127.0.0.1:1/0"), qdrant_url=nowhere)
    assert verdicts(check_workers(no_redis)) == [Severity.NOTE]
    with Redis.from_url(private_redis) as redis:
        redis.delete(WORKERS_KEY)
    no_store = Settings(redis_url=SecretStr(private_redis), qdrant_url=nowhere)
    assert Severity.WRONG not in verdicts(check_workers(no_store))


def test_a_collection_of_other_weights_than_its_models_workers_is_told() -> None:
    infos = [
        CollectionInfo(name, name, space, 1, {})
        for name, space in (
            ("same", SPACE),
            ("old", replace(SPACE, revision="r0")),
            ("foreign", replace(SPACE, model="other")),
        )
    ]
    (found,) = mismatched_collections([fake_worker(SPACE)], infos)
    assert "The collection old uses made r0" in found.message


# --- machine --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("free", "verdict"),
    [(2**40, Severity.GOOD), (2**30, Severity.WARNING), (2**20, Severity.WRONG)],
    ids=["roomy", "little", "none"],
)
def test_room_on_the_disk_is_judged(
    free: int, verdict: Severity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = SimpleNamespace(free=free, total=2**41)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)
    assert verdicts(check_disk(Settings(data_dir=tmp_path / "not" / "there"))) == [verdict]


def test_a_folder_that_cannot_be_written_to_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert verdicts(check_disk(Settings(data_dir=tmp_path))) == [Severity.WRONG]


@pytest.mark.parametrize(
    ("limits", "verdict"), [((256, 4096), Severity.WARNING), ((65536, 65536), Severity.GOOD)]
)
def test_open_files_are_judged(
    limits: tuple[int, int], verdict: Severity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: limits)
    assert verdicts(check_limits()) == [verdict]


@pytest.fixture
def answering() -> Iterator[tuple[str, dict[str, object]]]:
    """A server's URL, and its response with `status` and `body`, which tests change."""
    answer: dict[str, object] = {"status": 200, "body": {}}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = orjson.dumps(answer["body"])
            self.send_response(int(str(answer["status"])))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", answer
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "verdict", "message"),
    [
        (200, {"status": "ready"}, Severity.GOOD, "every step"),
        (503, {"code": "not_ready", "detail": "store: away"}, Severity.WRONG, "store: away"),
        (200, {"hello": "world"}, Severity.WRONG, "not vitrine's API"),
        (404, [], Severity.WRONG, "not vitrine's API"),
    ],
    ids=["ready", "not-ready", "another", "nothing"],
)
def test_who_answers_at_the_apis_address_is_told(
    answering: tuple[str, dict[str, object]],
    status: int,
    body: object,
    verdict: Severity,
    message: str,
) -> None:
    url, answer = answering
    answer.update(status=status, body=body)
    (found,) = check_port(Settings(api_url=url), running=False)
    assert found.verdict is verdict
    assert message in found.message


def test_a_port_without_an_api_is_free_or_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        nobody = "http://127.0.0.1:1"
        (found,) = check_port(Settings(api_port=port, api_url=nobody), running=False)
        assert (found.verdict, "is used" in found.message) == (Severity.WRONG, True)
    (found,) = check_port(Settings(api_port=port, api_url=nobody), running=False)
    assert (found.verdict, "its port is free" in found.message) == (Severity.NOTE, True)
    (found,) = check_port(Settings(api_url=nobody), running=True)
    assert (found.verdict, "standalone" in str(found.fix)) == (Severity.WRONG, True)
