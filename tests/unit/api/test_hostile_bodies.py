"""Whatever is sent, the response is a refusal that gives the reason, or a job: never a server error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.unit.api.api_fixture import Stage, problem_of
from vitrine.core.settings import Settings

SEARCH = b'{"collection":"summer","text":"x","filter":%s}'
ITEM = b'{"collection":"new","items":[{"id":"a","images":["http://h/x"],"fields":{"p":%s}}]}'

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def settings() -> Settings:
    """The default settings, which have space for every job that is submitted here."""
    return Settings()


@pytest.mark.parametrize(
    "body",
    [
        rb'{"collection":"summer","text":"\ud800"}',
        rb'{"collection":"\ud800","item":"a"}',
        rb'{"collection":"summer","item":"\u0000"}',
        b'\xef\xbb\xbf{"collection":"summer","text":"x"}',
        b"1" * 5000,
        SEARCH % b'{"price":NaN}',
        SEARCH % b'{"price":{"gt":1e999}}',
        SEARCH % b'{"price":123456789012345678901234567890}',
        SEARCH % (b'{"not":' * 150 + b"{}" + b"}" * 150),
        SEARCH % (b"[" * 5000 + b"]" * 5000),
    ],
)
def test_a_hostile_search_is_refused(stage: Stage, body: bytes) -> None:
    answer = stage.client.post(
        "/v1/search", content=body, headers={"content-type": "application/json"}
    )
    problem_of(answer, answer.status_code, answer.json()["code"])
    assert answer.status_code in {404, 422}


@pytest.mark.parametrize(
    "value",
    [b"NaN", b"-Infinity", b"9" * 400, b"9" * 5000, rb'"\udfff"', b'{"a":' * 50 + b"1" + b"}" * 50],
)
def test_a_hostile_field_is_refused_or_taken_as_what_it_is(stage: Stage, value: bytes) -> None:
    answer = stage.client.post(
        "/v1/jobs", content=ITEM % value, headers={"content-type": "application/json"}
    )
    assert answer.status_code in {202, 422}, answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/v1/jobs/%00",
        "/v1/jobs/x%7D:y/failures?host=%00",
        "/v1/collections/%ff",
        "/v1/jobs/x/failures?after=99999999999999999999999",
        "/v1/jobs?offset=99999999999999999999999",
        "/v1/jobs?limit=x",
    ],
)
def test_a_hostile_address_is_refused(stage: Stage, path: str) -> None:
    answer = stage.client.get(path)
    problem_of(answer, answer.status_code, answer.json()["code"])
    assert answer.status_code in {404, 422}


@pytest.mark.parametrize("charset", ["", "; charset=utf-16", "; charset=nonsense"])
def test_a_form_in_a_strange_charset_is_refused(stage: Stage, charset: str) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="\xff\xfe.csv"\r\n\r\n'
        b"id,image\n1,http://h/x\r\n--b\r\n"
        b'Content-Disposition: form-data; name="collection"\r\n\r\n\xff\xfe\r\n--b--\r\n'
    )
    media = f"multipart/form-data; boundary=b{charset}"
    answer = stage.client.post("/v1/jobs", content=body, headers={"content-type": media})
    problem_of(answer, 422, "bad_input")


@given(body=anything)
@examples(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_json_is_answered_without_a_fault(stage: Stage, body: Any) -> None:
    for path in ("/v1/jobs", "/v1/search", "/v1/jobs/x/retry"):
        assert stage.client.post(path, json=body).status_code < 500
    asked = {"collection": "summer", "item": "bag", "filter": body}
    assert stage.client.post("/v1/search", json=asked).status_code < 500
    items = [{"id": "a", "images": ["http://h/x"], "fields": {"f": body}}]
    submitted = stage.client.post("/v1/jobs", json={"collection": "new", "items": items})
    assert submitted.status_code < 500
