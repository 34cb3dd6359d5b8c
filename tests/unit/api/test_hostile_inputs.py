"""Whatever is sent to be embedded or scored, the response names what is wrong with it: never a server error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.unit.api.api_fixture import Stage

ROUTES = (
    "/v1/embed",
    "/v1/score",
    "/v1/embeddings",
    "/evaluator/v1/evaluation/single",
    "/evaluator/v1/evaluation/batch",
)
NAMES = ("inputs", "pairs", "evaluations", "input", "image_url", "image_base64", "text", "image_input",
         "text_prompt", "model", "model_config_name", "timeout", "grey", "modality", "dimensions")  # fmt: skip
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=12,
)
bodies = st.dictionaries(st.sampled_from(NAMES), values, max_size=5)


@given(body=bodies)
@examples(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_json_is_answered_without_a_fault(stage: Stage, body: dict[str, Any]) -> None:
    for route in ROUTES:
        assert stage.client.post(route, json=body).status_code in {200, 400, 404, 422}


@given(url=st.text(max_size=60), data=st.text(max_size=60), words=st.text(min_size=1, max_size=60))
@examples(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_text_in_the_place_of_a_picture_fails_by_itself(
    stage: Stage, url: str, data: str, words: str
) -> None:
    inputs = [{"image_url": f"ftp{url}"}, {"image_base64": f"{data}é"}, {"text": words}]
    answer = stage.client.post("/v1/embed", json={"inputs": inputs})
    assert answer.status_code == 200, answer.text
    codes = [one["error"] and one["error"]["code"] for one in answer.json()["results"]]
    assert codes == ["bad_url", "not_an_image", None]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"1" * 5000, b"[" * 5000, rb'{"text":"\ud800"}', b"\xff\xfe", b'{"a":NaN}'],
    ids=["empty", "a list", "null", "digits", "deep", "half a letter", "no text", "nan"],
)  # fmt: skip
def test_a_body_that_is_none_is_refused(stage: Stage, route: str, body: bytes) -> None:
    answer = stage.client.post(route, content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}
    assert stage.query_client.asked == []


@pytest.mark.parametrize("name", ["\x00", "../../etc", "a" * 512, "%2e%2e", "<script>"])
def test_a_model_s_name_is_only_a_name(stage: Stage, name: str) -> None:
    answer = stage.client.post("/v1/embed", json={"text": "rot", "model": name})
    assert answer.status_code == 404
    answer = stage.client.post("/v1/embeddings", json={"input": "rot", "model": name})
    assert answer.status_code == 404
