from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.requests.model_names import find_model, running_names
from tests.unit.api.api_fixture import SPACE, Stage, make_stage, problem_of
from vitrine.core.api_keys import Keyring, Scope, new_key
from vitrine.core.errors import BadInput, ModelUnavailable, NotFound
from vitrine.core.load_settings import load
from vitrine.core.settings import Settings


def error_of(answer: Any, status: int) -> str:
    """Check that an error has the dialects' form, and return its message."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["content-length"]) == len(answer.content)
    body = answer.json()
    assert list(body) == ["error"]
    return str(body["error"])


@pytest.fixture
def aliased() -> Iterator[Stage]:
    settings = Settings(
        model="other/model", model_aliases={"siglip": "builtin", "gone": "google/siglip"}
    )
    stage = make_stage(settings)
    with stage.client:
        yield stage


# --- the shape ------------------------------------------------------------------------------------


def test_a_path_that_is_no_route_is_told_in_the_dialect(stage: Stage) -> None:
    assert "is not a route" in error_of(stage.client.get("/v2/nothing/at/all"), 404)


def test_other_paths_keep_their_problems(stage: Stage) -> None:
    for path in ("/v1/nothing", "/v2x", "/x/v2/models"):
        problem_of(stage.client.get(path), 404, "not_found")


def test_a_missing_key_is_told_in_the_dialect_with_its_challenge() -> None:
    _, kept = new_key("reader", [Scope.READ])
    with make_stage(Settings(), Keyring([kept])).client as client:
        answer = client.get("/v2/nothing")
        assert error_of(answer, 401).startswith("This needs an API key. Send it as")
        assert answer.headers["www-authenticate"].startswith("Bearer ")


def test_a_body_over_its_limit_is_told_in_the_dialect(stage: Stage) -> None:
    answer = stage.client.post("/v2/nothing", content=b" " * 2_000_000)
    assert "larger than" in error_of(answer, 413)
    assert answer.headers["connection"] == "close"


def test_a_fault_of_ours_is_told_in_the_dialect_without_detail(stage: Stage) -> None:
    def broken() -> None:
        raise RuntimeError("a secret")

    stage.app.add_api_route("/v2/broken", broken)
    said = error_of(TestClient(stage.app, "http://127.0.0.1").get("/v2/broken"), 500)
    assert said.startswith("Something went wrong on our side.")
    assert "secret" not in said


def test_successes_pass_as_they_are(stage: Stage) -> None:
    stage.app.add_api_route("/v2/fine", lambda: {"detail": "kept"})
    assert stage.client.get("/v2/fine").json() == {"detail": "kept"}


# --- names ----------------------------------------------------------------------------------------


def test_a_model_is_known_by_its_alias_and_by_its_own_name(aliased: Stage) -> None:
    for name in ("siglip", "builtin", "BUILTIN"):
        found = find_model(aliased.parts, name)
        assert (found.name, found.model) == (name, SPACE.model)
        assert found.worker().space == SPACE
    assert running_names(aliased.parts) == ["builtin", "siglip"]


def test_a_known_model_without_a_worker_says_how_to_start_one(aliased: Stage) -> None:
    for name in ("gone", "other/model"):
        with pytest.raises(ModelUnavailable, match="vitrine worker --model"):
            find_model(aliased.parts, name).worker()


def test_an_unknown_model_is_not_found_and_those_there_are_are_named(aliased: Stage) -> None:
    with pytest.raises(NotFound, match=r"no model clip here\. These are running: builtin, siglip"):
        find_model(aliased.parts, "clip")
    aliased.query_client.crew.clear()
    with pytest.raises(NotFound, match="No worker is running"):
        find_model(aliased.parts, "clip")


def test_aliases_are_read_from_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_MODEL_ALIASES", " siglip = google/siglip , abc123=builtin,")
    assert load().model_aliases == {"siglip": "google/siglip", "abc123": "builtin"}


@pytest.mark.parametrize("value", ["siglip", "=builtin", "siglip=", "a=b,c"])
def test_an_alias_without_a_model_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("VITRINE_MODEL_ALIASES", value)
    with pytest.raises(BadInput, match=r"VITRINE_MODEL_ALIASES: .*name=model"):
        load()
