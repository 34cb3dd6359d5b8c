from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from api.dialect_errors import shape_of
from tests.unit.api.api_fixture import PROBLEM, Stage

ROUTES = {
    ("post", "/v1/jobs"),
    ("get", "/v1/jobs"),
    ("get", "/v1/jobs/{job}"),
    ("get", "/v1/jobs/{job}/failures"),
    ("get", "/v1/jobs/{job}/failures/summary"),
    ("get", "/v1/jobs/{job}/events"),
    ("get", "/v1/jobs/{job}/problems"),
    ("post", "/v1/preview"),
    ("get", "/v1/system"),
    ("get", "/metrics"),
    ("get", "/v1/metrics/targets"),
    ("post", "/v1/jobs/{job}/cancel"),
    ("post", "/v1/jobs/{job}/retry"),
    ("post", "/v1/search"),
    ("post", "/v1/embed"),
    ("post", "/v1/score"),
    ("post", "/v1/embeddings"),
    ("get", "/v1/models"),
    ("get", "/v1/models/{model}"),
    ("post", "/evaluator/v1/evaluation/single"),
    ("post", "/evaluator/v1/evaluation/batch"),
    ("get", "/evaluator/health"),
    ("get", "/system/health"),
    ("get", "/v1/collections"),
    ("get", "/v1/collections/{name}"),
    ("get", "/v1/collections/{name}/items"),
    ("get", "/v1/collections/{name}/item"),
    ("get", "/v1/collections/{name}/picture"),
    ("get", "/v1/collections/{name}/map"),
    ("get", "/v1/collections/{name}/facets"),
    ("get", "/v1/workers"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/v2"),
    ("get", "/v2/health/live"),
    ("get", "/v2/health/ready"),
    ("post", "/v2/repository/index"),
    ("get", "/v2/models/stats"),
    ("get", "/v2/models/{model}"),
    ("get", "/v2/models/{model}/config"),
    ("get", "/v2/models/{model}/ready"),
    ("get", "/v2/models/{model}/stats"),
    ("post", "/v2/models/{model}/infer"),
    ("post", "/v2/{endpoint}/run"),
    ("post", "/v2/{endpoint}/runsync"),
    ("get", "/v2/{endpoint}/status/{ticket}"),
    ("post", "/v2/{endpoint}/cancel/{ticket}"),
    ("post", "/v2/{endpoint}/retry/{ticket}"),
    ("post", "/v2/{endpoint}/purge-queue"),
    ("get", "/v2/{endpoint}/health"),
}


@pytest.fixture
def document(stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = stage.client.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def test_every_route_is_described(document: dict[str, Any]) -> None:
    assert {(method, path) for method, path, _ in operations(document)} == ROUTES
    assert all(operation["summary"] for _, _, operation in operations(document))


def test_errors_are_problems_with_an_example(document: dict[str, Any]) -> None:
    shown = 0
    for _, path, operation in operations(document):
        if shape_of(path) is not None:
            continue
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                continue
            content = answer["content"][PROBLEM]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert content["example"]["status"] == int(status)
            assert content["example"]["code"]
            shown += 1
    assert shown > 30


def test_errors_of_dialects_have_their_own_shape_and_an_example(document: dict[str, Any]) -> None:
    shown = 0
    for _, path, operation in operations(document):
        shape = shape_of(path)
        for status, answer in operation["responses"].items() if shape else ():
            assert PROBLEM not in answer.get("content", {})
            # A route may report its own state by a status, as a health check does.
            if not status.startswith("2") and "example" in answer["content"]["application/json"]:
                assert shape is not None
                content = answer["content"]["application/json"]
                assert content["schema"] == {"$ref": f"#/components/schemas/{shape.name}"}
                assert content["example"].keys() == set(shape.schema["required"])
                assert int(status) not in shape.statuses
                shown += 1
    assert shown > 30


@pytest.mark.parametrize(
    ("path", "statuses"),
    [
        ("/v1/jobs", {"400", "409", "413", "415", "422", "429", "500", "503"}),
        ("/v1/search", {"400", "404", "409", "413", "415", "422", "429", "500", "502", "503"}),
        ("/v1/jobs/{job}/retry", {"404", "409", "422", "500", "503"}),
    ],
)
def test_routes_document_the_errors_they_answer(
    document: dict[str, Any], path: str, statuses: set[str]
) -> None:
    assert statuses <= document["paths"][path]["post"]["responses"].keys()


def test_retry_after_is_documented_where_it_is_sent(document: dict[str, Any]) -> None:
    responses = document["paths"]["/v1/jobs"]["post"]["responses"]
    assert "Retry-After" in responses["429"]["headers"]
    assert "Retry-After" in responses["503"]["headers"]


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/search"])
def test_both_bodies_are_described_and_the_json_one_has_an_example_that_is_taken(
    stage: Stage, document: dict[str, Any], path: str
) -> None:
    content = document["paths"][path]["post"]["requestBody"]["content"]
    assert content["multipart/form-data"]["schema"]["properties"]["collection"]
    example = content["application/json"]["example"]
    assert stage.client.post(path, json=example).status_code in {200, 202}


def test_form_fields_are_those_that_the_routes_read(document: dict[str, Any]) -> None:
    def fields(path: str) -> set[str]:
        content = document["paths"][path]["post"]["requestBody"]["content"]
        return set(content["multipart/form-data"]["schema"]["properties"])

    from api.schemas.jobs import UploadIn
    from api.schemas.search import SearchIn

    assert fields("/v1/jobs") == {"file", *UploadIn.model_fields}
    assert fields("/v1/search") == {"image", *SearchIn.model_fields} - {"image_base64"}


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    found = set(references(document))
    assert found
    assert {reference.removeprefix("#/components/schemas/") for reference in found} <= set(schemas)
    assert "HTTPValidationError" not in schemas


def test_the_documentation_loads_nothing_from_elsewhere(stage: Stage) -> None:
    page = stage.client.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert f"/docs-assets/{asset}" in page
        assert stage.client.get(f"/docs-assets/{asset}").status_code == 200
