"""What `vitrine submit` and `status --wait` print while a job makes no progress, and what they refuse immediately."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.unit.cli.job_fixture import finish, run, submitted
from vitrine.cli.common import progress, services
from vitrine.cli.jobs import follow as follow_module
from vitrine.cli.submit import collection_check
from vitrine.core.errors import Conflict, LedgerUnavailable
from vitrine.core.load_settings import load
from vitrine.core.settings import Settings
from vitrine.core.types import ImageRef, JobSpec
from vitrine.ledger import NewChunk
from vitrine.store import EmbeddingSpace
from vitrine.testing.memory_ledger import MemoryLedger
from vitrine.testing.memory_store import MemoryStore


def no_crew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "count_workers", lambda _settings, _model: 0)


def test_a_job_without_a_worker_is_warned_of_with_the_model_as_it_was_given(
    ledger: MemoryLedger,
    catalog: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_crew(monkeypatch)
    monkeypatch.setenv("COLUMNS", "40")
    result = run("submit", catalog, "--collection", "shop", "--model", "google/SigLIP base")
    assert result.exit_code == 0
    assert "vitrine worker --model 'google/SigLIP base'\n" in result.stderr
    assert ledger.jobs()[0].spec.asked_model == "google/SigLIP base"
    told = json.loads(run("submit", catalog, "--collection", "shop", "--json").stdout)["warnings"]
    assert "vitrine worker --model builtin" in told[0]


def test_a_served_model_is_not_warned_of_nor_one_that_cannot_be_asked_for(
    ledger: MemoryLedger,
    catalog: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "worker" not in run("submit", catalog, "--collection", "shop").stderr

    def gone(_settings: Settings, _model: str) -> int:
        raise LedgerUnavailable("Redis does not answer.")

    monkeypatch.setattr(services, "count_workers", gone)
    assert "worker" not in run("submit", catalog, "--collection", "shop").stderr


def test_the_missing_worker_is_told_again_from_time_to_time(
    ledger: MemoryLedger,
    catalog: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = submitted(catalog)
    monkeypatch.setattr(follow_module, "IDLE_SECONDS", -1.0)
    monkeypatch.setattr(follow_module, "REMIND_SECONDS", 0.0)
    asked: list[str] = []

    def count_workers(_settings: Settings, model: str) -> int:
        asked.append(model)
        if len(asked) == 3:
            finish(ledger, job)
        return 0

    monkeypatch.setattr(services, "count_workers", count_workers)
    assert run("status", job, "--wait").stderr.count("vitrine worker --model builtin") == 3


def test_a_full_queue_says_what_blocks_it_and_again_once_that_has_changed(
    ledger: MemoryLedger,
    catalog: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_crew(monkeypatch)
    monkeypatch.setenv("VITRINE_MAX_PENDING_IMAGES", "2")
    monkeypatch.setattr(progress, "LOOK_AGAIN_SECONDS", 0.0)
    images = [ImageRef(n, f"i{n}", 0, "http://h/1") for n in range(5)]
    ledger.create(JobSpec("blocker", "old", "siglip"))
    ledger.add_chunks("blocker", [NewChunk(images, 5)])
    counts = iter([5, 5, 4, 1])
    monkeypatch.setattr(ledger, "pending_images", lambda: next(counts))
    monkeypatch.setattr("producer.submit.backpressure.POLL_SECONDS", 0.0)
    told = [
        line
        for line in run("submit", catalog, "--collection", "shop").stderr.splitlines()
        if line.startswith("waiting: ")
    ]
    assert [line.split(",")[0] for line in told] == [
        "waiting: 5 pictures are pending",
        "waiting: 4 pictures are pending",
    ]
    assert "the limit is 2; 5 of them wait for siglip" in told[0]
    assert "job blocker (vitrine jobs, vitrine cancel JOB)" in told[0]


@pytest.mark.parametrize(
    ("option", "told"), [("--model", "model name is empty"), ("--image-separator", "separator")]
)
def test_an_empty_name_is_refused_rather_than_replaced(
    ledger: MemoryLedger,
    catalog: Path,
    option: str,
    told: str,
) -> None:
    result = run("submit", catalog, "--collection", "shop", option, "")
    assert (result.exit_code, ledger.jobs()) == (2, [])
    assert told in result.stderr


def test_a_collection_of_another_model_is_refused_naming_both(
    ledger: MemoryLedger,
    catalog: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collection_check, "_model_of", lambda _settings, _collection: "siglip")
    result = run("submit", catalog, "--collection", "shop")
    assert (result.exit_code, ledger.jobs()) == (2, [])
    assert "uses model siglip, but this job would use builtin" in result.stderr
    assert "--model" in result.stderr
    assert run("submit", catalog, "--collection", "shop", "--model", "SigLIP").exit_code == 0


def test_the_store_is_asked_for_the_collections_model(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    store.ensure("shop", EmbeddingSpace("siglip", "r", "p", 4))
    monkeypatch.setattr("vitrine.store.open.open_store", lambda _settings: store)
    settings = load(model="builtin", qdrant_url="http://127.0.0.1:1")
    with pytest.raises(Conflict):
        collection_check.refuse_other_model(settings, "shop")
    collection_check.refuse_other_model(settings, "absent")


def test_a_store_that_does_not_answer_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    collection_check.refuse_other_model(load(qdrant_url=f"http://127.0.0.1:{port}"), "shop")
    collection_check.refuse_other_model(load(qdrant_url=f"edge+http://127.0.0.1:{port}"), "shop")

    held = threading.Event()

    def hanging(_settings: Settings) -> MemoryStore:
        held.wait(PATIENCE)
        return MemoryStore()

    monkeypatch.setattr("vitrine.store.open.open_store", hanging)
    monkeypatch.setattr(collection_check, "PATIENCE_SECONDS", 0.01)
    collection_check.refuse_other_model(load(qdrant_url="http://127.0.0.1:1"), "shop")
    held.set()


def test_an_open_job_that_nobody_feeds_says_so(ledger: MemoryLedger) -> None:
    ledger._clock = lambda: time.time() - 185
    ledger.create(JobSpec("job", "shop", "builtin", "shop.csv", time.time()))
    told = run("status", "job").stdout
    assert "still open: its producer last added pictures 3 min ago" in told
    assert "vitrine cancel job and submit again" in told
    ledger._clock = time.time
    ledger.create(JobSpec("fresh", "shop", "builtin"))
    assert "still open" not in run("status", "fresh").stdout


def test_waiting_for_an_open_job_tells_that_its_producer_is_silent(
    ledger: MemoryLedger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger._clock = lambda: time.time() - 185
    ledger.create(JobSpec("job", "shop", "builtin"))
    monkeypatch.setattr("time.sleep", lambda _: ledger.cancel("job"))
    result = run("status", "job", "--wait")
    assert "last added pictures 3 min ago" in result.stderr
    assert result.exit_code == 3


def test_a_rate_is_told_only_by_the_command_that_saw_the_whole_job(
    ledger: MemoryLedger,
    catalog: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real_seal = ledger.seal

    def seal(job: str, *, after: bytes) -> object:
        state = real_seal(job, after=after)
        finish(ledger, job)
        return state

    monkeypatch.setattr(ledger, "seal", seal)
    shown = run("submit", catalog, "--collection", "shop", "--wait").stdout
    assert "pictures per second" in shown
    told = run("status", ledger.jobs()[0].spec.id).stdout
    assert "pictures per second" not in told
    assert "finished 0 s ago" in told


def test_elapsed_time_is_told_before_the_first_outcome(
    ledger: MemoryLedger,
    catalog: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = submitted(catalog)
    monkeypatch.setattr(follow_module, "FIRST_LINE_SECONDS", 0.0)
    monkeypatch.setattr("time.sleep", lambda _: finish(ledger, job))
    assert "working: 0 of 3 pictures, 0 failed (0 s)" in run("status", job, "--wait").stderr
