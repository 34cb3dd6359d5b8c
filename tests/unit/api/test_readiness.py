from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from api import canary
from api.readiness import KEEP_SECONDS, Readiness, ReadinessReport
from tests.patience import PATIENCE
from tests.unit.api.api_fixture import SPACE, Stage, make_stage, problem_of
from vitrine.core.errors import LedgerUnavailable, StoreUnavailable
from vitrine.core.settings import Settings
from vitrine.messaging.worker_registry import StoreOutage
from vitrine.query.client import Query, QueryVector
from vitrine.store import EmbeddingSpace
from vitrine.testing.fake_query_client import fake_vector, fake_worker


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def made(settings: Settings, clock: Clock) -> Iterator[Stage]:
    """A stage whose reports age by the given clock."""
    stage = make_stage(settings)
    stage.app.state.readiness.close()
    stage.app.state.readiness = Readiness(stage.parts, clock=clock)
    with stage.client:
        yield stage


def not_ready(stage: Stage) -> dict[str, str]:
    answer = stage.client.get("/readyz")
    body = problem_of(answer, 503, "not_ready")
    assert answer.headers["retry-after"]
    wrong = {name: found for name, found in body["checks"].items() if found != "ok"}
    assert all(name in body["detail"] for name in wrong)
    return wrong


def test_alive_is_told_without_a_look_at_anything(made: Stage) -> None:
    made.query_client.failure = LedgerUnavailable("gone")
    assert made.client.get("/healthz").json() == {"status": "alive"}


def test_ready_names_what_was_looked_at(made: Stage) -> None:
    answer = made.client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {"ledger": "ok", "store": "ok", "model builtin": "ok"},
        "notices": {},
    }


def test_a_worker_that_cannot_store_is_told_of_and_hinders_no_search(made: Stage) -> None:
    away = StoreOutage(1_700_000_000.0, "The store process answered 503 without a reason.")
    made.query_client.crew = [replace(worker, store_away=away) for worker in made.query_client.crew]
    answer = made.client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["notices"] == {
        "worker fake": "store unreachable since 2023-11-14 22:13:20 UTC: The store process answered 503 without a reason."
    }


def test_the_canary_goes_the_way_of_a_query_picture(made: Stage) -> None:
    made.client.get("/readyz")
    assert made.query_client.asked == [
        ("builtin", Query("image", canary.canary_picture(), fresh=True))
    ]


def test_every_model_with_workers_gets_a_canary(made: Stage) -> None:
    made.query_client.crew.append(fake_worker(EmbeddingSpace("siglip", "r", "p", 4), node="other"))
    assert "model siglip" in made.client.get("/readyz").json()["checks"]
    assert [model for model, _ in made.query_client.asked] == ["builtin", "siglip"]


def test_the_default_model_without_a_worker_is_named(made: Stage) -> None:
    made.query_client.crew = [fake_worker(EmbeddingSpace("siglip", "r", "p", 4))]
    wrong = not_ready(made)
    assert list(wrong) == ["model builtin"]
    assert "vitrine worker --model builtin" in wrong["model builtin"]


def test_workers_of_two_revisions_are_not_ready(made: Stage) -> None:
    made.query_client.crew.append(
        fake_worker(EmbeddingSpace("builtin", "r2", "p1", 16), node="other")
    )
    assert "revisions" in not_ready(made)["model builtin"]


def test_a_ledger_that_is_gone_is_named_once(made: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise LedgerUnavailable("Redis does not answer.")

    monkeypatch.setattr(made.ledger, "ping", gone)
    assert not_ready(made) == {"ledger": "Redis does not answer."}


def test_a_store_that_is_gone_is_named(made: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise StoreUnavailable("Qdrant does not answer.")

    monkeypatch.setattr(made.store, "ping", gone)
    assert not_ready(made) == {"store": "Qdrant does not answer."}


def test_workers_that_cannot_be_listed_are_named(made: Stage) -> None:
    made.query_client.failure = LedgerUnavailable("Redis refused the password.")
    assert not_ready(made) == {"workers": "Redis refused the password."}


def test_a_vector_that_changed_is_not_ready_until_it_is_as_before(
    made: Stage, clock: Clock
) -> None:
    assert made.client.get("/readyz").status_code == 200
    made.query_client.known[canary.canary_picture()] = fake_vector(b"another", SPACE.dimension)
    clock.now += KEEP_SECONDS
    assert "has changed" in not_ready(made)["model builtin"]
    made.query_client.known.clear()
    clock.now += KEEP_SECONDS
    assert made.client.get("/readyz").status_code == 200


def test_a_vector_of_nan_is_not_ready(made: Stage) -> None:
    made.query_client.known[canary.canary_picture()] = fake_vector(b"x", SPACE.dimension) * float(
        "nan"
    )
    assert "has changed" in not_ready(made)["model builtin"]


def test_another_revision_begins_anew(made: Stage, clock: Clock) -> None:
    made.client.get("/readyz")
    made.query_client.crew = [fake_worker(EmbeddingSpace("builtin", "r2", "p1", 16))]
    made.query_client.known[canary.canary_picture()] = fake_vector(b"another", SPACE.dimension)
    clock.now += KEEP_SECONDS
    assert made.client.get("/readyz").status_code == 200


def test_a_report_serves_for_a_while(made: Stage, clock: Clock) -> None:
    for _ in range(3):
        made.client.get("/readyz")
    assert len(made.query_client.asked) == 1
    clock.now += KEEP_SECONDS
    made.client.get("/readyz")
    assert len(made.query_client.asked) == 2


def test_a_bad_report_is_replaced_when_it_is_old(made: Stage, clock: Clock) -> None:
    crew, made.query_client.crew = made.query_client.crew, []
    not_ready(made)
    made.query_client.crew = crew
    not_ready(made)
    clock.now += KEEP_SECONDS
    assert made.client.get("/readyz").status_code == 200


def test_probes_share_one_check_and_do_not_wait_longer_than_their_patience(
    made: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, calls = threading.Event(), []
    embed = made.query_client.embed

    def stuck(model: str, query: Query) -> QueryVector:
        calls.append(model)
        assert release.wait(PATIENCE)
        return embed(model, query)

    monkeypatch.setattr(made.query_client, "embed", stuck)
    readiness = Readiness(made.parts, patience=0.05)

    async def probe() -> tuple[list[ReadinessReport], ReadinessReport]:
        early = [await readiness.report(), await readiness.report()]
        running: Any = readiness._running
        release.set()
        await running
        return early, await readiness.report()

    early, late = asyncio.run(probe())
    readiness.close()
    assert [report.checks for report in early] == [
        {"check": "not done within 0.05 s; a worker or a service is stuck"}
    ] * 2
    assert late.ready
    assert calls == ["builtin"]


def test_an_unforeseen_error_is_told_anew_by_each_check(
    made: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise KeyError("x")

    monkeypatch.setattr(made.store, "ping", broken)
    for _ in range(2):
        problem_of(made.client.get("/readyz"), 500, "internal")
    monkeypatch.undo()
    assert made.client.get("/readyz").status_code == 200


def test_the_canary_is_a_picture_that_a_decoder_reads() -> None:
    with Image.open(BytesIO(canary.canary_picture())) as image:
        image.load()
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (96, 96))
        # More than one colour: the vector must depend on the model's weights.
        assert len(image.getcolors(maxcolors=96 * 96) or ()) > 1000


def test_the_canary_is_the_same_each_time() -> None:
    assert canary.canary_picture() == canary.canary_picture()
