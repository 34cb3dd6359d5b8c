"""Access control: keys, scopes, rate limits, and requests that a browser sends for another site's page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute

from api.permissions import OPEN, need_of
from tests.unit.api.api_fixture import Stage, make_stage, problem_of, put
from vitrine.core.api_keys import Keyring, Scope, new_key
from vitrine.core.settings import Settings

#: The scope that each route needs, repeated here so that a change of the table is noticed.
NEEDS = {
    ("GET", "/v1/jobs"): Scope.READ,
    ("GET", "/v1/jobs/{job}"): Scope.READ,
    ("GET", "/v1/jobs/{job}/failures"): Scope.READ,
    ("GET", "/v1/jobs/{job}/failures/summary"): Scope.READ,
    ("GET", "/v1/jobs/{job}/events"): Scope.READ,
    ("GET", "/v1/jobs/{job}/problems"): Scope.READ,
    ("GET", "/v1/system"): Scope.READ,
    ("GET", "/v1/collections/{name}/facets"): Scope.READ,
    ("GET", "/v1/metrics/targets"): Scope.READ,
    ("GET", "/metrics"): Scope.READ,
    ("POST", "/v1/preview"): Scope.SUBMIT,
    ("GET", "/v1/collections"): Scope.READ,
    ("GET", "/v1/collections/{name}"): Scope.READ,
    ("GET", "/v1/collections/{name}/items"): Scope.READ,
    ("GET", "/v1/collections/{name}/item"): Scope.READ,
    ("GET", "/v1/collections/{name}/picture"): Scope.READ,
    ("GET", "/v1/collections/{name}/map"): Scope.READ,
    ("GET", "/v1/workers"): Scope.READ,
    ("POST", "/v1/search"): Scope.READ,
    ("POST", "/v1/embed"): Scope.READ,
    ("POST", "/v1/score"): Scope.READ,
    ("POST", "/v1/jobs"): Scope.SUBMIT,
    ("POST", "/v1/jobs/{job}/retry"): Scope.SUBMIT,
    ("POST", "/v1/jobs/{job}/cancel"): Scope.ADMIN,
}
OF_DIALECTS = {
    ("GET", "/v2"): Scope.READ,
    ("GET", "/v2/models/stats"): Scope.READ,
    ("POST", "/v2/repository/index"): Scope.READ,
    **{
        (method, f"/v2/models/{{model}}{version}{what}"): Scope.READ
        for version in ("", "/versions/{version}")
        for method, what in [
            ("GET", ""),
            ("GET", "/ready"),
            ("GET", "/config"),
            ("GET", "/stats"),
            ("POST", "/infer"),
        ]
    },
    **{
        (method, path): Scope.READ
        for method in ("GET", "POST")
        for path in [
            "/v2/systemsharedmemory/{rest:path}",
            "/v2/cudasharedmemory/{rest:path}",
            "/v2/trace/setting",
            "/v2/models/{model}/trace/setting",
            "/v2/logging",
        ]
    },
    ("POST", "/v2/repository/models/{model}/load"): Scope.READ,
    ("POST", "/v2/repository/models/{model}/unload"): Scope.READ,
    ("POST", "/v2/{endpoint}/run"): Scope.READ,
    ("POST", "/v2/{endpoint}/runsync"): Scope.READ,
    ("GET", "/v2/{endpoint}/status/{ticket}"): Scope.READ,
    ("GET", "/v2/{endpoint}/stream/{ticket}"): Scope.READ,
    ("POST", "/v2/{endpoint}/stream/{ticket}"): Scope.READ,
    ("POST", "/v2/{endpoint}/cancel/{ticket}"): Scope.SUBMIT,
    ("POST", "/v2/{endpoint}/retry/{ticket}"): Scope.SUBMIT,
    ("POST", "/v2/{endpoint}/purge-queue"): Scope.ADMIN,
    ("GET", "/v2/{endpoint}/health"): Scope.READ,
    ("POST", "/v1/embeddings"): Scope.READ,
    ("GET", "/v1/models"): Scope.READ,
    ("GET", "/v1/models/{model:path}"): Scope.READ,
    ("POST", "/evaluator/v1/evaluation/single"): Scope.READ,
    ("POST", "/evaluator/v1/evaluation/batch"): Scope.READ,
    ("GET", "/evaluator/docs"): Scope.READ,
    ("GET", "/evaluator/metrics"): Scope.READ,
}
"""Routes of other systems' protocols; the OpenAPI document omits some of them, and their errors have their own form."""
SEARCH = {"collection": "summer", "item": "bag"}
KEYS = {scope: new_key(scope.value, [scope]) for scope in Scope}


@pytest.fixture
def guarded() -> Iterator[Stage]:
    """The API with one key per scope, and the collection `summer`."""
    stage = make_stage(Settings(), Keyring(kept for _, kept in KEYS.values()))
    put(stage.store, "summer", ("bag", 0, b"bag", {}))
    with stage.client:
        yield stage


def bearer(scope: Scope) -> dict[str, str]:
    return {"Authorization": f"Bearer {KEYS[scope][0]}"}


# --- keys -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": f"Bearer {KEYS[Scope.READ][1].digest}"},
        {"Authorization": f"Basic {KEYS[Scope.READ][0]}"},
        {"Authorization": KEYS[Scope.READ][0]},
        {"X-API-Key": KEYS[Scope.READ][0]},
        {"Cookie": f"Authorization={KEYS[Scope.READ][0]}"},
    ],
)
def test_without_a_known_key_it_is_a_401_that_says_how(
    guarded: Stage, sent: dict[str, str]
) -> None:
    answer = guarded.client.get("/v1/jobs", headers=sent)
    problem_of(answer, 401, "unauthorised")
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert KEYS[Scope.READ][0] not in answer.text


def test_the_scheme_s_case_does_not_matter(guarded: Stage) -> None:
    sent = {"Authorization": f"bEARER {KEYS[Scope.READ][0]}"}
    assert guarded.client.get("/v1/jobs", headers=sent).status_code == 200


@pytest.mark.parametrize(
    "path", ["/page", "/page/", "/page/nothing.js", "/docs", "/openapi.json", "/docs-assets/swagger-ui.css", "/metrics", "/v1/nothing"]
)  # fmt: skip
def test_nothing_but_the_probes_and_the_page_stands_open(guarded: Stage, path: str) -> None:
    problem_of(guarded.client.get(path), 401, "unauthorised")
    assert guarded.client.get(path, headers=bearer(Scope.READ)).status_code in {200, 404}


@pytest.mark.parametrize("path", sorted(OPEN))
def test_probes_need_no_key(guarded: Stage, path: str) -> None:
    assert guarded.client.get(path).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["//healthz", "/healthz/", "/healthz/../v1/jobs", "/%68ealthz/x", "/v1/jobs?/healthz",
     "//", "/page/../v1/jobs", "/page/main.js/", "/page/%2e%2e/v1/jobs", "/v1/jobs?/page/main.js"],
)  # fmt: skip
def test_no_spelling_of_a_probe_opens_another_path(guarded: Stage, path: str) -> None:
    answer = guarded.client.get(f"http://127.0.0.1:8080{path}", follow_redirects=False)
    problem_of(answer, 401, "unauthorised")


def test_a_body_without_a_key_is_not_read(guarded: Stage) -> None:
    def endless() -> Iterator[bytes]:
        yield b" "
        raise AssertionError("read on without a key")

    app, received = guarded.app, []

    async def ask(scope: Any, receive: Any, send: Any) -> None:
        async def counted() -> Any:
            received.append(1)
            return await receive()

        await app(scope, counted, send)

    from fastapi.testclient import TestClient

    answer = TestClient(ask, "http://127.0.0.1").post("/v1/jobs", content=b" " * 100_000)
    problem_of(answer, 401, "unauthorised")
    assert received == []


# --- scopes ---------------------------------------------------------------------------------------


def routes(stage: Stage) -> set[tuple[str, str]]:
    found: list[APIRoute] = stage.app.state.routes
    return {(method, route.path) for route in found for method in route.methods or ()}


def filled(path: str) -> str:
    """Replace each parameter of the path by a name that does not exist."""
    return re.sub(r"\{[^}]+\}", "nosuch", path)


def test_every_route_has_the_scope_written_down(guarded: Stage) -> None:
    known = NEEDS | OF_DIALECTS
    assert routes(guarded) == known.keys() | {("GET", path) for path in OPEN}
    for (method, path), scope in known.items():
        assert need_of(method, filled(path)).scope is scope


@pytest.mark.parametrize("held", list(Scope))
@pytest.mark.parametrize(("method", "path"), NEEDS)
def test_a_key_opens_what_its_scopes_say_and_nothing_else(
    guarded: Stage, method: str, path: str, held: Scope
) -> None:
    answer = guarded.client.request(method, filled(path), headers=bearer(held))
    if held in {NEEDS[method, path], Scope.ADMIN}:
        assert answer.status_code in {200, 404, 415, 422}
    else:
        body = problem_of(answer, 403, "forbidden")
        assert f"lacks the scope {NEEDS[method, path]}" in body["detail"]
        assert f"The key {held}" in body["detail"]


@pytest.mark.parametrize(("method", "path"), OF_DIALECTS)
def test_a_dialect_s_routes_open_by_scope_too(guarded: Stage, method: str, path: str) -> None:
    for held in Scope:
        answer = guarded.client.request(method, filled(path), headers=bearer(held))
        if held in {OF_DIALECTS[method, path], Scope.ADMIN}:
            assert answer.status_code in {200, 400, 404, 501}
        else:
            assert answer.status_code == 403
            assert f"lacks the scope {OF_DIALECTS[method, path]}" in answer.text


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "OPTIONS", "POST"])
@pytest.mark.parametrize("path", ["/v1/jobs/x", "/v1/collections/summer", "/v1/jobs/a/b/retry"])
def test_what_nobody_listed_needs_admin(guarded: Stage, method: str, path: str) -> None:
    for scope in (Scope.READ, Scope.SUBMIT):
        problem_of(guarded.client.request(method, path, headers=bearer(scope)), 403, "forbidden")
    answer = guarded.client.request(method, path, headers=bearer(Scope.ADMIN))
    assert answer.status_code in {404, 405}


# --- rates ----------------------------------------------------------------------------------------


def test_a_key_that_asks_too_often_waits_alone() -> None:
    ring = Keyring(kept for _, kept in KEYS.values())
    with make_stage(Settings(api_rate=0.001, api_burst=2), ring).client as client:
        for _ in range(2):
            assert client.get("/v1/jobs", headers=bearer(Scope.READ)).status_code == 200
        answer = client.get("/v1/jobs", headers=bearer(Scope.READ))
        body = problem_of(answer, 429, "too_fast")
        assert "The key read" in body["detail"]
        assert 1 <= int(answer.headers["retry-after"]) <= 1000
        assert client.get("/v1/jobs", headers=bearer(Scope.ADMIN)).status_code == 200
        assert client.get("/healthz").status_code == 200


# --- without keys ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8080", "localhost:1", "LOCALHOST", "[::1]:8080", "127.1.2.3"]
)
def test_this_machine_s_own_names_are_answered(stage: Stage, host: str) -> None:
    assert stage.client.get("/v1/jobs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "",
     "10.0.0.1", "[::", "127.0.0.1@evil.example", "evil.example#127.0.0.1", "0.0.0.0"],
)  # fmt: skip
def test_a_name_that_was_rebound_to_this_machine_is_refused(stage: Stage, host: str) -> None:
    problem_of(stage.client.get("/v1/jobs", headers={"Host": host}), 403, "forbidden")
    problem_of(
        stage.client.post("/v1/search", json=SEARCH, headers={"Host": host}), 403, "forbidden"
    )


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "https://127.0.0.1:8080", "http://127.0.0.1:3000", "http://localhost:8080",
     "null", "", "file://"],
)  # fmt: skip
def test_another_site_s_page_cannot_post(stage: Stage, origin: str) -> None:
    # A browser sends a form or a simple fetch without a preflight request, but names its origin.
    sent = {"Origin": origin}
    files = {"file": ("a.csv", b"id,image\n1,http://h/x\n")}
    for answer in (
        stage.client.post("/v1/jobs", data={"collection": "new"}, files=files, headers=sent),
        stage.client.post("/v1/search", json=SEARCH, headers=sent),
    ):
        problem_of(answer, 403, "forbidden")
    assert stage.ledger.jobs() == []


def test_our_own_documentation_may_ask(stage: Stage) -> None:
    sent = {"Origin": "http://127.0.0.1:8080"}
    assert stage.client.post("/v1/search", json=SEARCH, headers=sent).status_code == 200


def test_with_keys_any_host_and_origin_may_ask(guarded: Stage) -> None:
    sent = bearer(Scope.READ) | {"Host": "shop.example", "Origin": "https://shop.example"}
    assert guarded.client.post("/v1/search", json=SEARCH, headers=sent).status_code == 200


def test_the_document_names_scheme_scope_and_refusals(guarded: Stage) -> None:
    document = guarded.client.get("/openapi.json", headers=bearer(Scope.READ)).json()
    assert document["components"]["securitySchemes"]["api_key"]["scheme"] == "bearer"
    for (method, path), scope in NEEDS.items():
        operation = document["paths"][path][method.lower()]
        assert operation["security"] == [{"api_key": [scope.value]}]
        assert {"401", "403", "429"} <= operation["responses"].keys()
        assert "WWW-Authenticate" in operation["responses"]["401"]["headers"]
    for path in OPEN:
        assert "security" not in document["paths"][path]["get"]
